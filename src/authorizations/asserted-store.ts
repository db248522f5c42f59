/**
 * Authorizations that an identity provider set up without a question to their owner (ID-JAG): one for each person, client, issuer and
 * resource. Owns that there is one, and that one which ended is not set up again by itself; does not own what an issuer may hand over.
 */
import type { Kysely, Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import type { Actor } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import { type Authorization, toAuthorization } from './authorization.ts';
import type { AuthorizationStore } from './authorization-store.ts';
import type { Choice } from './choice-columns.ts';
import { standingOf } from './to-granted.ts';

export interface AssertedKey {
  readonly userId: string;
  readonly clientId: string;
  readonly issuer: string;
  /** In its registered form. */
  readonly resource: string;
}

export type AllowAgainOutcome =
  | { readonly outcome: 'done'; readonly id: string }
  /** It stands, or another one does in its place, or no issuer set it up. */
  | { readonly outcome: 'not_ended' };

/** Does and records what belongs to a new one, in its transaction. */
type Inside = (trx: Transaction<Database>, id: string) => Promise<void>;

export interface AssertedStore {
  /** Finds the newest one, however it stands. */
  find(key: AssertedKey): Promise<Authorization | undefined>;
  /** Makes the first one; of two that try at once, one does and both find it. Never after one that ended. */
  make(actor: Actor, key: AssertedKey, choice: Choice, inside: Inside): Promise<Authorization>;
  /** Tells whether another one was made since for the same; false where no issuer set it up. */
  hasSuccessor(authorization: Authorization): Promise<boolean>;
  /** Lists what ended and is not set up again by itself, newest first. */
  listEnded(userId: string): Promise<Authorization[]>;
  /** Makes another one that says the same as one that ended, on its owner's word. */
  allowAgain(actor: Actor, ended: Authorization, inside: Inside): Promise<AllowAgainOutcome>;
}

/** Stands where a consent has the browser that it was given in; a keyed hash has no colon. */
const prefix = 'issuer:';
/** The most of them, ended ones included, that a person's list looks through. */
const mostLookedThrough = 500;

/** Names the issuer that set an authorization up; undefined where its owner consented. Pure. */
export function issuerOf({ install }: Pick<Authorization, 'install'>): string | undefined {
  return install?.startsWith(prefix) ? install.slice(prefix.length) : undefined;
}

export function createAssertedStore({
  store,
  clock,
  authorizations,
}: {
  store: Store;
  clock: Clock;
  authorizations: Pick<AuthorizationStore, 'insert'>;
}): AssertedStore {
  const hasEnded = (authorization: Authorization) =>
    ['revoked', 'expired'].includes(standingOf(authorization, clock.now()));

  return {
    find: (key) => findNewest(store.db, key),

    make: (actor, key, choice, inside) =>
      store.transact(async (trx) => {
        await takeTurns(trx);
        const there = await findNewest(trx, key);
        return there ?? insert(trx, actor, key, choice, inside);
      }),

    async hasSuccessor(authorization) {
      const key = keyOf(authorization);
      return key !== undefined && (await findNewest(store.db, key))?.id !== authorization.id;
    },

    async listEnded(userId) {
      // authorizations_by_user, backwards
      const rows = await store.db
        .selectFrom('authorizations')
        .selectAll()
        .where('user_id', '=', userId)
        .where('kind', '=', 'oauth2')
        .where('install', 'like', `${prefix}%`)
        .orderBy('id', 'desc')
        .limit(mostLookedThrough)
        .execute();
      const newest = new Map<string, Authorization>();
      for (const row of rows) {
        const key = JSON.stringify([row.client_id, row.install, row.resource]);
        if (!newest.has(key)) newest.set(key, toAuthorization(row));
      }
      return [...newest.values()].filter(hasEnded);
    },

    allowAgain: (actor, ended, inside) =>
      store.transact(async (trx) => {
        await takeTurns(trx);
        const key = keyOf(ended);
        const newest = key && (await findNewest(trx, key));
        if (!key || newest?.id !== ended.id || !hasEnded(newest)) return { outcome: 'not_ended' };
        const { id } = await insert(trx, actor, key, { ...newest, expiresAt: null }, inside);
        return { outcome: 'done', id };
      }),
  };

  async function insert(
    trx: Transaction<Database>,
    actor: Actor,
    { userId, clientId, issuer, resource }: AssertedKey,
    { capabilities, projects, mcpServers, asked, expiresAt }: Choice,
    inside: Inside,
  ): Promise<Authorization> {
    const made = await authorizations.insert(trx, actor, {
      kind: 'oauth2',
      userId,
      clientId,
      resource,
      install: `${prefix}${issuer}`,
      ...{ capabilities, projects, mcpServers, asked, expiresAt },
    });
    await inside(trx, made.id);
    return made;
  }
}

function keyOf(authorization: Authorization): AssertedKey | undefined {
  const { userId, clientId, resource } = authorization;
  const issuer = issuerOf(authorization);
  if (issuer === undefined || clientId === null || resource === null) return undefined;
  return { userId, clientId, issuer, resource };
}

async function findNewest(
  db: Kysely<Database>,
  { userId, clientId, issuer, resource }: AssertedKey,
): Promise<Authorization | undefined> {
  // authorizations_by_client
  const row = await db
    .selectFrom('authorizations')
    .selectAll()
    .where('client_id', '=', clientId)
    .where('user_id', '=', userId)
    .where('install', '=', `${prefix}${issuer}`)
    .where('resource', '=', resource)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && toAuthorization(row);
}

/** Of two that would each make one, the second sees what the first made. */
async function takeTurns(trx: Transaction<Database>): Promise<void> {
  await trx
    .updateTable('change_counter')
    .set(({ ref }) => ({ n: ref('n') }))
    .execute();
}
