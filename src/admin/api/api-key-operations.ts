/**
 * API keys: made, looked at, changed, rotated, moved and ended, one's own and those of others. Owns the shapes; who may is the
 * desk's to say (`account/key-desk.ts`), the same one that the pages ask.
 */
import { z } from 'zod';
import { createHeirs } from '../../account/heirs.ts';
import { createKeyDesk, delegator, type KeyJudgement, longestOverlapHours } from '../../account/key-desk.ts';
import { addsSensitive } from '../../account/reauthentication.ts';
import { offerTo } from '../../interaction/consent-offer.ts';
import { withAdditions } from '../../policy/additions.ts';
import { offeredKeyRoles } from '../../policy/key-decision.ts';
import {
  keySchema,
  keyWithSecretSchema,
  listedKeySchema,
  ownKeys,
  readKey,
  widestOwners,
} from './api-key-document.ts';
import {
  authorizationSummary,
  requireKept,
  sliceDocument,
  sliceOf,
  sliceSchema,
  sliceShape,
} from './authorization-document.ts';
import type { Caller } from './caller.ts';
import {
  editAuthorization,
  editBody,
  justificationSchema,
  lifetimeSchema,
  notGranted,
  requireDone,
  requireFresh,
  termsRefused,
} from './edit-authorization.ts';
import { type AdminDeps, operation } from './operation.ts';
import { guardKey, guardManagement, guardSelf } from './over-token.ts';
import { refusal } from './problem.ts';
import { listOf, nameSchema, pageOf, pageQuery, searchQuery } from './schemas.ts';

const tag = 'API keys';
const path = '/api-keys';
const one = `${path}/{authorization_id}`;
const defaultLifetimeSeconds = 30 * 86_400;

const newKeyShape = {
  user_id: z.string().optional().describe('Whose it is; absent: your own'),
  capabilities: sliceShape.capabilities.default([]),
  role_ids: sliceShape.role_ids.default([]),
  projects: sliceShape.projects.default([]),
  mcp_server_ids: sliceShape.mcp_server_ids.default([]),
};

const namedSchema = z.object({ id: z.string(), slug: z.string(), name: z.string() });

export const apiKeyOperations = {
  list: operation({
    id: 'list_api_keys',
    tag,
    summary:
      'List API keys, newest first: your own, and those that you look after (`api-keys.manage`: everybody’s; `service-accounts.update`: those of service accounts)',
    method: 'get',
    path,
    anyOf: [],
    query: z.strictObject({
      ...pageQuery,
      search: searchQuery.describe("Part of the key's name, or of its owner's name or address"),
      whose: z.enum(['own', 'every']).default('every'),
    }),
    answer: listOf(listedKeySchema),
    async handle(deps, { caller, query: { limit, after, search, whose } }) {
      const owners = whose === 'own' ? ownKeys(caller) : widestOwners(caller);
      const found = await deps.authorizationList.keys(owners, {
        limit: limit + 1,
        ...(after === undefined ? {} : { before: after }),
        ...(search === undefined ? {} : { search }),
      });
      const ids = found.map(({ authorization }) => authorization.id);
      const endings = await deps.apiKeys.newestEndings(ids);
      const now = deps.clock.now();
      return pageOf(
        found,
        limit,
        ({ authorization }) => authorization.id,
        ({ authorization, owner }) => ({
          ...authorizationSummary({ ...authorization, email: owner.email }, now),
          secret_ending: endings.get(authorization.id) ?? null,
        }),
      );
    },
  }),

  offer: operation({
    id: 'offer_api_key',
    tag,
    summary: 'What a key of yours, or of an owner that you may make keys for, could carry now',
    method: 'get',
    path: `${path}/offer`,
    anyOf: [],
    query: z.strictObject({ user_id: newKeyShape.user_id }),
    answer: z
      .object({
        user_id: z.string(),
        username: z.string(),
        capabilities: z.array(z.string()),
        roles: z.array(namedSchema),
        projects: z.array(namedSchema.extend({ roles: z.array(namedSchema).describe('Strongest first') })),
        mcp_servers: z.array(
          z.object({ id: z.string(), name: z.string(), resource: z.string(), project_id: z.string() }),
        ),
      })
      .meta({ id: 'ApiKeyOffer' }),
    async handle(deps, { caller, query }) {
      const found = await createKeyDesk(deps).ownerFor(caller.access, query.user_id ?? caller.id);
      if (found.kind !== 'owner') throw refused(found);
      const { owner } = found;
      const world = await deps.worldSource.whole();
      const { delegable, projects, servers } = offerTo(delegator(caller.access, owner, world), world);
      return {
        user_id: owner.user.id,
        username: owner.user.email,
        capabilities: [...delegable],
        roles: offeredKeyRoles(owner.live, world).flatMap((id) => {
          const role = world.roles.get(id);
          return role ? [{ id, slug: role.slug, name: role.name }] : [];
        }),
        projects: projects.map(({ id, slug, name, offeredRoles }) => ({
          ...{ id, slug, name },
          roles: offeredRoles.map((role) => ({ id: role.id, slug: role.slug, name: role.name })),
        })),
        mcp_servers: servers.map(({ id, name, resource, projectId }) => ({
          ...{ id, name, resource, project_id: projectId },
        })),
      };
    },
  }),

  preview: operation({
    id: 'preview_api_key',
    tag,
    summary: 'What would a key like this be able to do now? Nothing is made',
    method: 'post',
    path: `${path}/preview`,
    anyOf: [],
    body: z.strictObject(newKeyShape),
    answer: z
      .object({
        would_grant: sliceSchema.nullable().describe('null: nothing could be made of it as it stands'),
        sensitive: z.boolean(),
        not_granted: z.array(
          z.object({
            dimension: z.string(),
            identifier: z.string(),
            project: z.string().optional(),
          }),
        ),
      })
      .meta({ id: 'ApiKeyPreview' }),
    async handle(deps, { caller, body }) {
      const judged = await createKeyDesk(deps).judge(caller.access, body.user_id ?? caller.id, sliceOf(body));
      switch (judged.kind) {
        case 'forbidden':
        case 'no_owner':
          throw refused(judged);
        case 'nothing_chosen':
          return { would_grant: null, sensitive: false, not_granted: [] };
        case 'not_granted':
          return {
            would_grant: null,
            sensitive: false,
            not_granted: judged.dropped.map(({ dimension, identifier, ...rest }) => ({
              ...{ dimension, identifier },
              ...('project' in rest ? { project: rest.project } : {}),
            })),
          };
        case 'allowed':
          return {
            would_grant: sliceDocument(judged.granted),
            sensitive: judged.sensitive,
            not_granted: [],
          };
      }
    },
  }),

  create: operation({
    id: 'create_api_key',
    tag,
    summary:
      'Create a key: for yourself with `api-keys.create`, for anybody with `api-keys.manage`, for a service account with `service-accounts.create`. It is bounded by its owner',
    method: 'post',
    path,
    anyOf: [],
    status: 201,
    body: z.strictObject({
      name: nameSchema.max(100),
      ...newKeyShape,
      lifetime_seconds: lifetimeSchema
        .optional()
        .describe('30 days when left out, or as long as the policy allows'),
      justification: justificationSchema,
    }),
    answer: keyWithSecretSchema,
    async handle(deps, { caller, body }) {
      const desk = createKeyDesk(deps);
      const judged = await desk.judge(caller.access, body.user_id ?? caller.id, sliceOf(body));
      if (judged.kind !== 'allowed') throw refused(judged);
      guardKey(caller, judged.owner.user.id, judged.granted.capabilities);
      if (judged.sensitive) requireFresh(caller, deps.clock.now());
      const { name, lifetime_seconds: lifetime = await defaultLifetime(deps), justification } = body;
      const agreed = await desk.agree(judged, { lifetime, justification });
      if (agreed.kind !== 'agreed') throw termsRefused(agreed);
      const { authorization, secret } = await desk.create(caller.actor, agreed, name);
      return { ...(await readKey(deps, authorization.id)), secret };
    },
  }),

  get: operation({
    id: 'get_api_key',
    tag,
    summary:
      'Get a key: what it says, what of it holds now, and its live secrets by their last four characters',
    method: 'get',
    path: one,
    anyOf: [],
    answer: keySchema,
    handle: async (deps, { caller, params }) => readKey(deps, (await requireKey(deps, caller, params)).id),
  }),

  update: operation({
    id: 'update_api_key',
    tag,
    summary: 'Change what a key says; its secret stays, and the next introspection knows',
    method: 'patch',
    path: one,
    anyOf: [],
    versioned: true,
    body: editBody,
    answer: keySchema,
    async handle(deps, { caller, params, body, version }) {
      const { id } = await requireKey(deps, caller, params);
      await editAuthorization(deps, caller, id, body, version);
      return readKey(deps, id);
    },
  }),

  rotate: operation({
    id: 'rotate_api_key',
    tag,
    summary: 'Give a key a new secret, shown this once; the old one goes on for as long as is said here',
    method: 'post',
    path: `${one}/rotate`,
    anyOf: [],
    status: 201,
    body: z.strictObject({ overlap_hours: z.int().min(0).max(longestOverlapHours).default(0) }),
    answer: keyWithSecretSchema,
    async handle(deps, { caller, params, body }) {
      const found = await requireFoundKey(deps, caller, params);
      const { userId, capabilities } = found.authorization;
      guardKey(caller, userId, capabilities);
      // A new secret hands over all that the key says once more, for good or for a while.
      const now = deps.clock.now();
      const held = withAdditions(found.authorization, found.authorization.additions, now);
      if (addsSensitive(held, undefined, found.world)) requireFresh(caller, now);
      const seconds = body.overlap_hours * 3_600;
      const rotated = await createKeyDesk(deps).rotate(caller.access, caller.actor, found, seconds);
      if (rotated.outcome === 'gone') throw refusal('ended');
      if (rotated.outcome === 'not_theirs') throw refusal('administers');
      return { ...(await readKey(deps, found.authorization.id)), secret: rotated.secret };
    },
  }),

  suspend: operation({
    id: 'suspend_api_key',
    tag,
    summary: 'Deactivate a key until it is resumed',
    method: 'post',
    path: `${one}/suspend`,
    anyOf: [],
    answer: keySchema,
    async handle(deps, { caller, params }) {
      const { id } = await requireKey(deps, caller, params);
      if ((await deps.authorizations.suspend(caller.actor, id)).outcome === 'gone') throw refusal('ended');
      return readKey(deps, id);
    },
  }),

  resume: operation({
    id: 'resume_api_key',
    tag,
    summary: 'Reactivate a key',
    method: 'post',
    path: `${one}/resume`,
    anyOf: [],
    answer: keySchema,
    async handle(deps, { caller, params }) {
      const { id, userId, capabilities } = await requireKey(deps, caller, params);
      guardKey(caller, userId, capabilities);
      if ((await deps.authorizations.resume(caller.actor, id)).outcome === 'gone') throw refusal('ended');
      return readKey(deps, id);
    },
  }),

  revoke: operation({
    id: 'revoke_api_key',
    tag,
    summary: 'End a key for good',
    method: 'post',
    path: `${one}/revoke`,
    anyOf: [],
    answer: keySchema,
    async handle(deps, { caller, params }) {
      const { id } = await requireKey(deps, caller, params);
      await deps.authorizations.revoke(caller.actor, id);
      return readKey(deps, id);
    },
  }),

  move: operation({
    id: 'move_api_key',
    tag,
    summary:
      "Give a person's key to a service account, bounded by it from then on; takes what it takes to make a key there. The secret stays",
    method: 'post',
    path: `${one}/move`,
    anyOf: [],
    status: 204,
    versioned: true,
    body: z.strictObject({ user_id: z.string().describe('The service account') }),
    async handle(deps, { caller, params, body, version }) {
      const found = await requireFoundKey(deps, caller, params);
      guardSelf(caller, found.owner.user.id);
      guardSelf(caller, body.user_id);
      // Another owner may bring back what the present one has lost.
      guardManagement(caller, found.authorization.capabilities);
      const desk = createKeyDesk(deps);
      const permission = await desk.ownerFor(caller.access, body.user_id);
      if (permission.kind !== 'owner') throw refused(permission, body.user_id);
      const heir = await createHeirs(deps).find(caller.access, found.owner, body.user_id);
      if (!heir) throw refusal('unknown_reference', { what: body.user_id });
      if (found.authorization.version !== version) throw refusal('version_changed');
      const moved = await desk.move(caller.actor, found, version, heir);
      if (moved.outcome === 'nothing_left') throw refusal('nothing_chosen');
      requireDone(moved);
    },
  }),
};

async function defaultLifetime({ policies }: AdminDeps): Promise<number> {
  const { longest } = (await policies.read()).policy;
  return Math.min(defaultLifetimeSeconds, longest.api_key ?? defaultLifetimeSeconds);
}

/** Folds what the desk refused. Pure. */
function refused(judged: Exclude<KeyJudgement, { kind: 'allowed' }>, owner = 'that owner') {
  switch (judged.kind) {
    case 'forbidden':
      return refusal('permission_missing', { permission: judged.missing });
    case 'no_owner':
      return refusal('unknown_reference', { what: owner });
    case 'not_granted':
      return notGranted(judged.dropped, judged.world);
    case 'nothing_chosen':
      return refusal('nothing_chosen');
  }
}

async function requireFoundKey(deps: AdminDeps, caller: Caller, params: Readonly<Record<string, string>>) {
  const found = await requireKept(deps, caller, params.authorization_id);
  if (found.authorization.kind !== 'api_key') throw refusal('not_found');
  return found;
}

const requireKey = async (deps: AdminDeps, caller: Caller, params: Readonly<Record<string, string>>) =>
  (await requireFoundKey(deps, caller, params)).authorization;
