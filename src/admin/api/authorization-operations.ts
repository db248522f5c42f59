/**
 * Authorizations: everybody's own, and for administrators those of others, seen, paused, ended and explained. What one of another
 * person's tools may do is for that person to say; API keys can be edited by whoever keeps them.
 */
import { z } from 'zod';
import { searchAuthorizations } from '../../authorizations/everyones.ts';
import { why } from '../../policy/why.ts';
import {
  authorizationSchema,
  authorizationSummary,
  kindsFor,
  readAuthorization,
  requireSeen,
  summarySchema,
} from './authorization-document.ts';
import { editAuthorization, editBody } from './edit-authorization.ts';
import { guardAccount } from './guards.ts';
import { operation } from './operation.ts';
import { guardManagement } from './over-token.ts';
import { refusal } from './problem.ts';
import { listOf, pageOf, pageQuery, searchQuery } from './schemas.ts';

const tag = 'Authorizations';
const one = '/authorizations/{authorization_id}';

export const authorizationOperations = {
  list: operation({
    id: 'list_authorizations',
    tag,
    summary:
      'List authorizations, newest first: your own, and those of others that you administer (OAuth with `users.manage`, API keys with `api-keys.manage`)',
    method: 'get',
    path: '/authorizations',
    anyOf: [],
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
        kinds: kindsFor(caller),
        own: caller.id,
        limit: limit + 1,
        ...(after === undefined ? {} : { after }),
        ...(search === undefined ? {} : { search }),
        ...(userId === undefined ? {} : { userId }),
        ...(clientId === undefined ? {} : { clientId }),
        ...(status === undefined ? {} : { status }),
        ...(kind === undefined ? {} : { kind }),
      });
      const now = deps.clock.now();
      const above = await deps.handedOn.above(rows);
      return pageOf(
        rows,
        limit,
        ({ id }) => id,
        (row) => authorizationSummary(row, now, above),
      );
    },
  }),

  get: operation({
    id: 'get_authorization',
    tag,
    summary: 'Get an authorization: what it says, and what of it holds now',
    method: 'get',
    path: one,
    anyOf: [],
    answer: authorizationSchema,
    handle: async (deps, { caller, params }) =>
      readAuthorization(deps, (await requireSeen(deps, caller, params.authorization_id)).id),
  }),

  update: operation({
    id: 'update_authorization',
    tag,
    summary:
      'Change what an authorization of yours says, or an API key that you keep; the next introspection knows',
    method: 'patch',
    path: one,
    anyOf: [],
    versioned: true,
    body: editBody,
    answer: authorizationSchema,
    async handle(deps, { caller, params, body, version }) {
      const { id } = await requireSeen(deps, caller, params.authorization_id);
      await editAuthorization(deps, caller, id, body, version);
      return readAuthorization(deps, id);
    },
  }),

  suspend: operation({
    id: 'suspend_authorization',
    tag,
    summary: 'Pause an authorization; its tokens count for nothing until it is resumed',
    method: 'post',
    path: `${one}/suspend`,
    anyOf: [],
    answer: authorizationSchema,
    async handle(deps, { caller, params }) {
      const { id } = await requireSeen(deps, caller, params.authorization_id);
      const done = await deps.authorizations.suspend(caller.actor, id);
      if (done.outcome === 'gone') throw refusal('ended');
      return readAuthorization(deps, id);
    },
  }),

  resume: operation({
    id: 'resume_authorization',
    tag,
    summary: 'Resume a paused authorization of yours, or an API key that you keep',
    method: 'post',
    path: `${one}/resume`,
    anyOf: [],
    answer: authorizationSchema,
    async handle(deps, { caller, params }) {
      const { id, kind, userId, capabilities } = await requireSeen(deps, caller, params.authorization_id);
      // What somebody else paused of their tools is theirs to resume.
      if (kind !== 'api_key' && userId !== caller.id) throw refusal('not_found');
      await guardAccount(deps, caller, userId);
      guardManagement(caller, capabilities);
      const done = await deps.authorizations.resume(caller.actor, id);
      if (done.outcome === 'gone') throw refusal('ended');
      return readAuthorization(deps, id);
    },
  }),

  revoke: operation({
    id: 'revoke_authorization',
    tag,
    summary: 'End an authorization for good',
    method: 'post',
    path: `${one}/revoke`,
    anyOf: [],
    answer: authorizationSchema,
    async handle(deps, { caller, params }) {
      const { id } = await requireSeen(deps, caller, params.authorization_id);
      await deps.authorizations.revoke(caller.actor, id);
      return readAuthorization(deps, id);
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
