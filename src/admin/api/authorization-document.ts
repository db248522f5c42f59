/** Authorizations of either kind as JSON, and which of them a caller may see. */
import { z } from 'zod';
import { createSituations, type Situation } from '../../account/situations.ts';
import type { Authorization } from '../../authorizations/authorization.ts';
import type { OwnedAuthorization } from '../../authorizations/everyones.ts';
import { standingUnder } from '../../authorizations/handed-on.ts';
import { runningAdditions } from '../../policy/additions.ts';
import type { Choice } from '../../policy/consent-decision.ts';
import type { Slice } from '../../policy/key-decision.ts';
import type { Caller } from './caller.ts';
import type { AdminDeps } from './operation.ts';
import { refusal } from './problem.ts';
import { instantSchema, versionSchema } from './schemas.ts';

const idsSchema = z.array(z.string().max(200)).max(500);

/** What an authorization shall grant, as it is asked for. */
export const sliceShape = {
  capabilities: idsSchema.describe('Names of the catalogue'),
  role_ids: idsSchema.describe('Roles carried by reference, on the organization; for API keys alone'),
  projects: z
    .array(z.strictObject({ id: z.string().max(200), role_ids: idsSchema }))
    .max(2_000)
    .describe('Projects, each with the roles that count there; none of a project gives nothing there'),
  mcp_server_ids: idsSchema,
};
export const sliceSchema = z.object(sliceShape);

export const summarySchema = z
  .object({
    id: z.string(),
    kind: z.enum(['oauth2', 'api_key']),
    user_id: z.string(),
    username: z.string(),
    client_id: z.string().nullable(),
    parent_id: z
      .string()
      .nullable()
      .describe('What it was handed on from by token exchange: it holds no more, and ends with it'),
    audience: z.string().nullable().describe('The one resource that it is for, of what was handed on'),
    name: z.string().nullable(),
    status: z.enum(['active', 'suspended', 'revoked', 'expired']),
    follows_owner: z.boolean().describe('It holds whatever its owner holds'),
    capabilities: z.array(z.string()),
    role_ids: z.array(z.string()),
    projects: z.array(z.object({ id: z.string(), role_ids: z.array(z.string()) })),
    mcp_server_ids: z.array(z.string()),
    additions: z
      .array(
        z.object({
          id: z.string(),
          capabilities: z.array(z.string()),
          projects: z.array(z.object({ id: z.string(), role_ids: z.array(z.string()) })),
          mcp_server_ids: z.array(z.string()),
          added_at: instantSchema,
          added_by: z.string(),
          ends_at: instantSchema,
        }),
      )
      .describe('What it grants beside that for a while, as far as it has not ended'),
    created_at: instantSchema,
    created_by: z.string(),
    expires_at: instantSchema.nullable(),
    last_used_at: instantSchema.nullable(),
    version: versionSchema,
  })
  .meta({ id: 'AuthorizationSummary' });

/** Of what was handed on, the newest. */
const mostBelow = 200;

const placeSchema = z.object({ id: z.string(), name: z.string(), actions: z.array(z.string()) });

export const authorizationSchema = summarySchema
  .extend({
    handed_on: z.array(summarySchema).describe('What was handed on from it, and from that in turn'),
    effective: z
      .object({
        capabilities: z.array(z.string()),
        projects: z.array(placeSchema),
        mcp_servers: z.array(placeSchema),
      })
      .describe('What holds at this moment'),
    withheld: z.array(
      z.object({
        dimension: z.enum(['capability', 'project', 'mcp_server']),
        identifier: z.string(),
        capability: z.string().optional(),
        reason: z.string(),
      }),
    ),
  })
  .meta({ id: 'Authorization' });

export type AuthorizationSummary = z.output<typeof summarySchema>;
export type AuthorizationDocument = z.output<typeof authorizationSchema>;

/** Kinds of which a caller sees everybody's. Pure. */
export function kindsFor({ permissions }: Caller): Authorization['kind'][] {
  return [
    ...(permissions.has('users.manage') ? (['oauth2'] as const) : []),
    ...(permissions.has('api-keys.manage') ? (['api_key'] as const) : []),
  ];
}

/** Finds an authorization that the caller may change: their own, or one that they keep for its owner. @throws Refusal `not_found` */
export async function requireKept(
  deps: AdminDeps,
  caller: Caller,
  id: string | undefined,
): Promise<Situation> {
  const found = await createSituations(deps).find(caller.access, id ?? '');
  if (!found) throw refusal('not_found');
  return found;
}

/** Finds an authorization that the caller may see, pause and end: beside those also any of a kind they administer. @throws Refusal `not_found` */
export async function requireSeen(
  deps: AdminDeps,
  caller: Caller,
  id: string | undefined,
): Promise<Authorization> {
  const found = await deps.authorizations.find(id ?? '');
  if (!found) throw refusal('not_found');
  if (found.userId !== caller.id && !kindsFor(caller).includes(found.kind)) {
    return (await requireKept(deps, caller, id)).authorization;
  }
  return found;
}

/** Reads an authorization with what of it holds now; whether it may be seen has been asked. @throws Refusal `not_found` */
export async function readAuthorization(deps: AdminDeps, id: string): Promise<AuthorizationDocument> {
  const rights = await deps.rights.of(id);
  if (!rights) throw refusal('not_found');
  const { authorization, owner, effective, granted } = rights;
  const now = deps.clock.now();
  const below = await deps.handedOn.under(id, mostBelow);
  const all = new Map([authorization, ...below].map((known) => [known.id, known]));
  return {
    ...authorizationSummary({ ...authorization, email: owner.user.email }, now),
    status: granted.standing,
    handed_on: below.map((row) => authorizationSummary({ ...row, email: owner.user.email }, now, all)),
    effective: {
      capabilities: [...effective.organization],
      projects: effective.projects.map((project) => ({
        id: project.id,
        name: project.slug,
        actions: [...project.actions],
      })),
      mcp_servers: effective.mcpServers.map((server) => ({
        id: server.id,
        name: server.name,
        actions: [...server.actions],
      })),
    },
    withheld: effective.withheld.map((entry) => ({ ...entry })),
  };
}

/** Writes an authorization out as lists show it. Pure. @param above those that the handed on ones hang on, by id */
export function authorizationSummary(
  one: OwnedAuthorization,
  now: number,
  above: ReadonlyMap<string, Authorization> = new Map(),
): AuthorizationSummary {
  return {
    id: one.id,
    kind: one.kind,
    user_id: one.userId,
    username: one.email,
    client_id: one.clientId,
    parent_id: one.parentId,
    audience: one.parentId === null ? null : one.resource,
    name: one.name,
    status: standingUnder(one, above, now),
    follows_owner: one.followsOwner,
    ...sliceDocument(one),
    ...(one.handedOn && { capabilities: [...(one.handedOn.names ?? [])] }),
    additions: runningAdditions(one.additions, now).map((addition) => ({
      id: addition.id,
      ...choiceDocument(addition),
      added_at: addition.at,
      added_by: addition.by,
      ends_at: addition.until,
    })),
    created_at: one.createdAt,
    created_by: one.createdBy,
    expires_at: one.expiresAt,
    last_used_at: one.lastUse?.at ?? null,
    version: one.version,
  };
}

/** Writes out what is granted. Pure. */
export function sliceDocument(slice: Slice) {
  return { ...choiceDocument(slice), role_ids: [...slice.roles] };
}

function choiceDocument({ capabilities, projects, mcpServers }: Choice) {
  return {
    capabilities: [...capabilities],
    projects: projects.map(({ id, roles }) => ({ id, role_ids: [...roles] })),
    mcp_server_ids: [...mcpServers],
  };
}

/** Reads what shall be granted; what is absent stays as it was. Pure. */
export function sliceOf(
  body: {
    readonly [Member in keyof z.output<typeof sliceSchema>]?:
      | z.output<typeof sliceSchema>[Member]
      | undefined;
  },
  before: Slice = { capabilities: [], roles: [], projects: [], mcpServers: [] },
): Slice {
  return {
    capabilities: body.capabilities ?? before.capabilities,
    roles: body.role_ids ?? before.roles,
    projects: body.projects?.map(({ id, role_ids }) => ({ id, roles: role_ids })) ?? before.projects,
    mcpServers: body.mcp_server_ids ?? before.mcpServers,
  };
}
