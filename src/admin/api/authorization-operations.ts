/** Everybody's authorizations: seen, paused, ended, and explained. What one says is for its owner to edit. */
import { z } from 'zod';
import type { Authorization } from '../../authorizations/authorization.ts';
import { type OwnedAuthorization, searchAuthorizations } from '../../authorizations/everyones.ts';
import { standingOf } from '../../authorizations/to-granted.ts';
import { why } from '../../policy/why.ts';
import type { Caller } from './caller.ts';
import { guardAccount } from './guards.ts';
import { type AdminDeps, operation } from './operation.ts';
import { refusal } from './problem.ts';
import { instantSchema, listOf, pageOf, pageQuery, searchQuery, versionSchema } from './schemas.ts';

const tag = 'Authorizations';
/** OAuth authorizations belong to the users' administration, API keys to whoever manages those. */
const manage = ['users.manage', 'api-keys.manage'] as const;
const one = '/authorizations/{authorization_id}';

const summarySchema = z
  .object({
    id: z.string(),
    kind: z.enum(['oauth2', 'api_key']),
    user_id: z.string(),
    username: z.string(),
    client_id: z.string().nullable(),
    name: z.string().nullable(),
    status: z.enum(['active', 'suspended', 'revoked', 'expired']),
    follows_owner: z.boolean().describe('It holds whatever its owner holds'),
    capabilities: z.array(z.string()),
    role_ids: z.array(z.string()),
    projects: z.array(z.object({ id: z.string(), role_ids: z.array(z.string()) })),
    mcp_server_ids: z.array(z.string()),
    created_at: instantSchema,
    created_by: z.string(),
    expires_at: instantSchema.nullable(),
    last_used_at: instantSchema.nullable(),
    version: versionSchema,
  })
  .meta({ id: 'AuthorizationSummary' });

const placeSchema = z.object({ id: z.string(), name: z.string(), actions: z.array(z.string()) });

const authorizationSchema = summarySchema
  .extend({
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

export const authorizationOperations = {
  list: operation({
    id: 'list_authorizations',
    tag,
    summary: 'List authorizations, newest first',
    method: 'get',
    path: '/authorizations',
    anyOf: manage,
    query: z.strictObject({
      ...pageQuery,
      search: searchQuery.describe("Part of the owner's address, of the client's id or of the name"),
      user_id: z.string().optional(),
      client_id: z.string().optional(),
      kind: z.enum(['oauth2', 'api_key']).optional(),
      status: z.enum(['active', 'suspended', 'revoked']).optional(),
    }),
    answer: listOf(summarySchema),
    async handle(deps, { caller, query }) {
      const { limit, after, search, user_id: userId, client_id: clientId, kind, status } = query;
      const rows = await searchAuthorizations(deps.store.db, {
        kinds: kindsFor(caller).filter((seen) => kind === undefined || seen === kind),
        limit: limit + 1,
        ...(after === undefined ? {} : { after }),
        ...(search === undefined ? {} : { search }),
        ...(userId === undefined ? {} : { userId }),
        ...(clientId === undefined ? {} : { clientId }),
        ...(status === undefined ? {} : { status }),
      });
      const now = deps.clock.now();
      return pageOf(
        rows,
        limit,
        ({ id }) => id,
        (row) => authorizationSummary(row, now),
      );
    },
  }),

  get: operation({
    id: 'get_authorization',
    tag,
    summary: 'Get an authorization: what it says, and what of it holds now',
    method: 'get',
    path: one,
    anyOf: manage,
    answer: authorizationSchema,
    handle: (deps, { caller, params }) => readAuthorization(deps, caller, params.authorization_id),
  }),

  suspend: operation({
    id: 'suspend_authorization',
    tag,
    summary: 'Pause an authorization; its tokens count for nothing until it is resumed',
    method: 'post',
    path: `${one}/suspend`,
    anyOf: manage,
    answer: authorizationSchema,
    async handle(deps, { caller, params }) {
      const { id } = await requireSeen(deps, caller, params.authorization_id);
      const done = await deps.authorizations.suspend(caller.actor, id);
      if (done.outcome === 'gone') throw refusal('ended');
      return readAuthorization(deps, caller, id);
    },
  }),

  resume: operation({
    id: 'resume_authorization',
    tag,
    summary: 'Resume a paused API key. An OAuth authorization is resumed by its owner alone',
    method: 'post',
    path: `${one}/resume`,
    anyOf: ['api-keys.manage'],
    answer: authorizationSchema,
    async handle(deps, { caller, params }) {
      const { id, kind, userId } = await requireSeen(deps, caller, params.authorization_id);
      if (kind !== 'api_key') throw refusal('not_found');
      await guardAccount(deps, caller, userId);
      const done = await deps.authorizations.resume(caller.actor, id);
      if (done.outcome === 'gone') throw refusal('ended');
      return readAuthorization(deps, caller, id);
    },
  }),

  revoke: operation({
    id: 'revoke_authorization',
    tag,
    summary: 'End an authorization for good',
    method: 'post',
    path: `${one}/revoke`,
    anyOf: manage,
    answer: authorizationSchema,
    async handle(deps, { caller, params }) {
      const { id } = await requireSeen(deps, caller, params.authorization_id);
      await deps.authorizations.revoke(caller.actor, id);
      return readAuthorization(deps, caller, id);
    },
  }),

  why: operation({
    id: 'why_authorization',
    tag,
    summary:
      'May this authorization do this, there, now, and which rule decides? Everyone may ask about their own',
    method: 'get',
    path: `${one}/why`,
    anyOf: [],
    query: z.strictObject({
      capability: z.string().min(1),
      on: z
        .string()
        .optional()
        .describe('Id of a project or MCP server, where the capability is bounded there'),
    }),
    answer: z
      .object({
        allowed: z.boolean(),
        rule: z.string().describe('The clause of the rule that decides'),
        authorization_id: z.string(),
        authorization_version: z.int(),
      })
      .meta({ id: 'Why' }),
    async handle(deps, { caller, params, query }) {
      const rights = await deps.rights.of(params.authorization_id ?? '');
      if (!rights) throw refusal('not_found');
      const { authorization, granted, effective, world } = rights;
      if (authorization.userId !== caller.id && !kindsFor(caller).includes(authorization.kind))
        throw refusal('not_found');
      return {
        ...why(query, granted, effective, world),
        authorization_id: authorization.id,
        authorization_version: authorization.version,
      };
    },
  }),
};

/** Kinds that a caller administers. Pure. */
function kindsFor({ permissions }: Caller): Authorization['kind'][] {
  return [
    ...(permissions.has('users.manage') ? (['oauth2'] as const) : []),
    ...(permissions.has('api-keys.manage') ? (['api_key'] as const) : []),
  ];
}

async function requireSeen(deps: AdminDeps, caller: Caller, id: string | undefined): Promise<Authorization> {
  const found = await deps.authorizations.find(id ?? '');
  if (!found || !kindsFor(caller).includes(found.kind)) throw refusal('not_found');
  return found;
}

async function readAuthorization(
  deps: AdminDeps,
  caller: Caller,
  id: string | undefined,
): Promise<AuthorizationDocument> {
  await requireSeen(deps, caller, id);
  const rights = await deps.rights.of(id ?? '');
  if (!rights) throw refusal('not_found');
  const { authorization, owner, effective } = rights;
  return {
    ...authorizationSummary({ ...authorization, email: owner.user.email }, deps.clock.now()),
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

function authorizationSummary(one: OwnedAuthorization, now: number): AuthorizationSummary {
  return {
    id: one.id,
    kind: one.kind,
    user_id: one.userId,
    username: one.email,
    client_id: one.clientId,
    name: one.name,
    status: standingOf(one, now),
    follows_owner: one.followsOwner,
    capabilities: [...one.capabilities],
    role_ids: [...one.roles],
    projects: one.projects.map(({ id, roles }) => ({ id, role_ids: [...roles] })),
    mcp_server_ids: [...one.mcpServers],
    created_at: one.createdAt,
    created_by: one.createdBy,
    expires_at: one.expiresAt,
    last_used_at: one.lastUse?.at ?? null,
    version: one.version,
  };
}
