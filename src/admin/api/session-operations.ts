/** Where a person is signed in, and the end of it: their next request is nobody's, on every node at once. */
import { z } from 'zod';
import { guardAccount } from './guards.ts';
import { type AdminDeps, operation } from './operation.ts';
import { refusal } from './problem.ts';
import { instantSchema } from './schemas.ts';

const sessionSchema = z
  .object({
    id: z.string(),
    user_agent: z.string().describe('What the browser says it is'),
    address: z.string().describe('Where it was last seen from'),
    signed_in_at: instantSchema,
    methods: z
      .array(z.string())
      .describe('How they proved who they are: as RFC 8176 names it, and upstream:NAME for another provider'),
    last_seen_at: instantSchema.describe('To within five minutes'),
  })
  .meta({ id: 'Session' });

const facts = { tag: 'Users', anyOf: ['users.manage'] } as const;
const path = '/users/{user_id}/sessions';

export const sessionOperations = {
  list: operation({
    ...facts,
    id: 'list_user_sessions',
    summary: 'List the browsers that a person is signed in with, the one seen last first',
    method: 'get',
    path,
    answer: z.object({ items: z.array(sessionSchema) }),
    async handle(deps, { params }) {
      const sessions = await deps.sessionList.list(await personOf(deps, params.user_id));
      return {
        items: sessions.map(({ id, userAgent, address, signedInAt, methods, lastSeenAt }) => ({
          id,
          user_agent: userAgent,
          address,
          signed_in_at: signedInAt,
          methods: [...methods],
          last_seen_at: lastSeenAt,
        })),
      };
    },
  }),

  end: operation({
    ...facts,
    id: 'end_user_session',
    summary: 'Sign a person out of one browser',
    method: 'delete',
    path: `${path}/{session_id}`,
    status: 204,
    async handle(deps, { caller, params }) {
      const userId = await personOf(deps, params.user_id);
      await guardAccount(deps, caller, userId);
      const ended = await deps.sessionList.end(caller.actor, userId, { id: params.session_id ?? '' });
      if (ended === 0) throw refusal('not_found');
    },
  }),

  endAll: operation({
    ...facts,
    id: 'end_user_sessions',
    summary: 'Sign a person out of every browser',
    method: 'delete',
    path,
    status: 204,
    async handle(deps, { caller, params }) {
      const userId = await personOf(deps, params.user_id);
      await guardAccount(deps, caller, userId);
      await deps.sessionList.end(caller.actor, userId, { allBut: undefined });
    },
  }),
};

async function personOf({ users }: AdminDeps, id = ''): Promise<string> {
  if ((await users.findById(id))?.kind !== 'person') throw refusal('not_found');
  return id;
}
