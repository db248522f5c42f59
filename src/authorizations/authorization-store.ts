/**
 * What was handed to tools. Owns the authorizations' rows and their end, tokens included; does not own what they amount to
 * (`policy`), nor the tokens that point at them (`oauth`).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely, Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import { newId } from '../ids.ts';
import { runningAdditions } from '../policy/additions.ts';
import { recordEnded } from './additions.ts';
import { deleteArtifacts } from './artifacts.ts';
import { type Authorization, toAuthorization } from './authorization.ts';
import { type Choice, choiceColumns, sliceOf } from './choice-columns.ts';
import { descendantsOf } from './handed-on.ts';

export interface NewAuthorization extends Choice {
  /** Made when absent; the library's grant has the same. */
  readonly id?: string;
  readonly kind: Authorization['kind'];
  readonly userId: string;
  readonly clientId: string | null;
  readonly resource?: string | null;
  readonly install?: string | null;
  readonly name?: string | null;
  readonly followsOwner?: boolean;
  readonly roles?: readonly string[];
}

export type ReplaceChoiceOutcome =
  | { readonly outcome: 'done'; readonly authorization: Authorization }
  /** It was revoked, or never was: nothing brings it back. */
  | { readonly outcome: 'gone' };
export type RevokeOutcome =
  | { readonly outcome: 'done'; readonly changed: boolean }
  | { readonly outcome: 'not_found' };
export type PauseOutcome =
  | { readonly outcome: 'done'; readonly changed: boolean }
  | { readonly outcome: 'gone' };

export interface AuthorizationStore {
  /** @param db where to read; a transaction sees its own changes */
  find(id: string, db?: Kysely<Database>): Promise<Authorization | undefined>;
  /** Lists everything that a user handed out, newest first, revoked ones included. */
  listByUser(userId: string): Promise<Authorization[]>;
  /** Lists authorizations in the order in which they were made. @param query.after id of the last one of the page before */
  list(query: { userId?: string; limit: number; after?: string }): Promise<Authorization[]>;
  /** Finds what this user already handed to this install of a client for this resource, and what still stands or is paused. */
  findInstall(install: {
    userId: string;
    clientId: string;
    resource: string | null;
    install: string;
  }): Promise<Authorization | undefined>;
  /** Finds the authorization of a service account's own client: the newest that is not revoked and has no install. */
  findByClient(clientId: string, db?: Kysely<Database>): Promise<Authorization | undefined>;
  insert(trx: Transaction<Database>, actor: Actor, authorization: NewAuthorization): Promise<Authorization>;
  replaceChoice(
    trx: Transaction<Database>,
    actor: Actor,
    id: string,
    choice: Choice,
  ): Promise<ReplaceChoiceOutcome>;
  /**
   * Ends an authorization for good, with what the library keeps of it. Idempotent.
   * @param trx joins the caller's transaction; without it there is one of its own
   */
  revoke(actor: Actor, id: string, trx?: Transaction<Database>): Promise<RevokeOutcome>;
  /**
   * Revokes everything that a client or a user holds. What is cut off in the middle is whole as far as it came, and goes on when it is
   * asked for again.
   * @param trx joins the caller's transaction; without it each of several steps is one of its own, so that others write in between, and
   * none holds up whoever answers
   * @returns how many were ended by this call
   */
  revokeAll(
    actor: Actor,
    of: { clientId: string } | { userId: string },
    trx?: Transaction<Database>,
  ): Promise<number>;
  /** Pauses an authorization: its tokens stay, and count for nothing until `resume`. */
  suspend(actor: Actor, id: string): Promise<PauseOutcome>;
  resume(actor: Actor, id: string): Promise<PauseOutcome>;
  /** Notes that a rotated refresh token came back after its window (RFC 9700 section 4.14.2). @param origin the address it came from */
  markReplayed(trx: Transaction<Database>, actor: Actor, id: string, origin: string | null): Promise<void>;
}

/** Authorizations that one step of a larger revocation ends: pages that many of them share are written once a step. */
const revokedAtOnce = 1_000;
/** The same inside of a transaction, where a step holds up whoever answers. */
const revokedWithin = 50;
/** After each step other processes come to write as well. */
const pauseMilliseconds = 4;

/** Creates the store of authorizations. */
export function createAuthorizationStore({
  store,
  clock,
  changes,
}: {
  store: Store;
  clock: Clock;
  changes: ChangeLog;
}): AuthorizationStore {
  const { db, transact } = store;
  return {
    async find(id, from = db) {
      // authorizations by primary key
      const row = await from.selectFrom('authorizations').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toAuthorization(row);
    },
    async listByUser(userId) {
      // authorizations_by_user, backwards
      const rows = await db
        .selectFrom('authorizations')
        .selectAll()
        .where('user_id', '=', userId)
        .orderBy('id', 'desc')
        .execute();
      return rows.map(toAuthorization);
    },
    async list({ userId, limit, after }) {
      // authorizations by primary key from `after` on, or authorizations_by_user
      let query = db.selectFrom('authorizations').selectAll().orderBy('id').limit(limit);
      if (userId !== undefined) query = query.where('user_id', '=', userId);
      if (after !== undefined) query = query.where('id', '>', after);
      return (await query.execute()).map(toAuthorization);
    },
    async findInstall({ userId, clientId, resource, install }) {
      const now = clock.now();
      // authorizations_by_client
      const row = await db
        .selectFrom('authorizations')
        .selectAll()
        .where('client_id', '=', clientId)
        .where('user_id', '=', userId)
        .where('install', '=', install)
        .where('resource', resource === null ? 'is' : '=', resource)
        .where('status', '<>', 'revoked')
        .where((is) => is.or([is('expires_at', 'is', null), is('expires_at', '>', now)]))
        .orderBy('id', 'desc')
        .executeTakeFirst();
      return row && toAuthorization(row);
    },
    async findByClient(clientId, from = db) {
      // authorizations_by_client by its first column
      const row = await from
        .selectFrom('authorizations')
        .selectAll()
        .where('client_id', '=', clientId)
        .where('install', 'is', null)
        .where('parent_id', 'is', null)
        .where('status', '<>', 'revoked')
        .orderBy('id', 'desc')
        .executeTakeFirst();
      return row && toAuthorization(row);
    },
    async insert(trx, actor, content) {
      const now = clock.now();
      const row = await trx
        .insertInto('authorizations')
        .values({
          id: content.id ?? newId('az'),
          kind: content.kind,
          user_id: content.userId,
          client_id: content.clientId,
          resource: content.resource ?? null,
          install: content.install ?? null,
          name: content.name ?? null,
          status: 'active',
          follows_owner: content.followsOwner ? 1 : 0,
          roles: JSON.stringify(content.roles ?? []),
          ...choiceColumns(content),
          additions: '[]',
          version: 1,
          created_by: actor.id,
          created_at: now,
          updated_at: now,
          revoked_at: null,
          replayed_at: null,
          replayed_from: null,
          renewed_at: now,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      const made = toAuthorization(row);
      const after = { user: made.userId, client: made.clientId, kind: made.kind, ...sliceOf(made) };
      await changes.record(trx, actor, { subject: 'authorization', id: made.id, action: 'created', after });
      return made;
    },
    async replaceChoice(trx, actor, id, choice) {
      // authorizations by primary key, both times
      const before = await trx
        .selectFrom('authorizations')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst();
      const row = await trx
        .updateTable('authorizations')
        .set((old) => ({
          ...choiceColumns(choice),
          // Whoever chooses anew chooses all of it: what was added for a while before is over.
          additions: '[]',
          version: old('version', '+', 1),
          updated_at: clock.now(),
          renewed_at: clock.now(),
        }))
        .where('id', '=', id)
        .where('status', '<>', 'revoked')
        .returningAll()
        .executeTakeFirst();
      if (!before || !row) return { outcome: 'gone' };
      const authorization = toAuthorization(row);
      const was = toAuthorization(before);
      await recordEnded(changes, trx, actor, id, runningAdditions(was.additions, clock.now()));
      await changes.record(trx, actor, {
        subject: 'authorization',
        id,
        action: 'changed',
        before: sliceOf(was),
        after: sliceOf(authorization),
      });
      return { outcome: 'done', authorization };
    },
    revoke: (actor, id, trx) => (trx ? revoke(trx, actor, id) : transact((own) => revoke(own, actor, id))),
    async revokeAll(actor, of, trx) {
      const most = trx ? revokedWithin : revokedAtOnce;
      let total = 0;
      for (;;) {
        const { found, ended } = await (trx
          ? revokeNext(trx, actor, of, most)
          : store.transactApart((own) => revokeNext(own, actor, of, most)));
        total += ended;
        if (found < most) return total;
        await sleep(trx ? 0 : pauseMilliseconds);
      }
    },
    suspend: (actor, id) => transact((trx) => setStatus(trx, actor, id, 'active', 'suspended')),
    resume: (actor, id) => transact((trx) => setStatus(trx, actor, id, 'suspended', 'active')),
    async markReplayed(trx, actor, id, origin) {
      // Whoever has its tokens may have exchanged them: what came of that ends as well.
      const below = await descendantsOf(trx, [id]);
      if (below.length > 0) await deleteArtifacts(trx, below);
      // authorizations by primary key
      const { numUpdatedRows } = await trx
        .updateTable('authorizations')
        .set((row) => ({
          replayed_at: clock.now(),
          replayed_from: origin,
          version: row('version', '+', 1),
          updated_at: clock.now(),
        }))
        .where('id', '=', id)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) return;
      await changes.record(trx, actor, {
        subject: 'authorization',
        id,
        action: 'replayed',
        after: { from: origin },
      });
    },
  };

  async function revoke(trx: Transaction<Database>, actor: Actor, id: string): Promise<RevokeOutcome> {
    const now = clock.now();
    const below = await descendantsOf(trx, [id]);
    // Artifacts before the row, as a token request takes them: two transactions never wait for each other.
    await deleteArtifacts(trx, [id, ...below]);
    // authorizations by primary key
    const { numUpdatedRows } = await trx
      .updateTable('authorizations')
      .set((row) => ({
        status: 'revoked',
        revoked_at: now,
        version: row('version', '+', 1),
        updated_at: now,
      }))
      .where('id', '=', id)
      .where('status', '<>', 'revoked')
      .executeTakeFirst();
    if (numUpdatedRows === 0n) {
      const known = await trx
        .selectFrom('authorizations')
        .select('id')
        .where('id', '=', id)
        .executeTakeFirst();
      return known ? { outcome: 'done', changed: false } : { outcome: 'not_found' };
    }
    await changes.record(trx, actor, { subject: 'authorization', id, action: 'revoked' });
    // Dead without it already: so that every list says so.
    if (below.length > 0) await endRows(trx, actor, below);
    return { outcome: 'done', changed: true };
  }

  async function revokeNext(
    trx: Transaction<Database>,
    actor: Actor,
    of: { clientId: string } | { userId: string },
    most: number,
  ): Promise<{ found: number; ended: number }> {
    // authorizations_of_client, or authorizations_by_user: each holds the status
    const living = trx
      .selectFrom('authorizations')
      .select('id')
      .where('status', '<>', 'revoked')
      .orderBy('id')
      .limit(most);
    const rows = await ('clientId' in of
      ? living.where('client_id', '=', of.clientId)
      : living.where('user_id', '=', of.userId)
    ).execute();
    const ids = rows.map(({ id }) => id);
    return { found: ids.length, ended: ids.length === 0 ? 0 : await revokeSome(trx, actor, ids) };
  }

  async function revokeSome(
    trx: Transaction<Database>,
    actor: Actor,
    ids: readonly string[],
  ): Promise<number> {
    const all = [...new Set([...ids, ...(await descendantsOf(trx, ids))])];
    // Access tokens live for minutes: ten of each tool would be most of the work, on pages all over the table.
    await deleteArtifacts(trx, all, { sparing: ['AccessToken'] });
    return endRows(trx, actor, all);
  }

  async function endRows(trx: Transaction<Database>, actor: Actor, ids: readonly string[]): Promise<number> {
    const now = clock.now();
    // authorizations by primary key
    const ended = await trx
      .updateTable('authorizations')
      .set((row) => ({
        status: 'revoked',
        revoked_at: now,
        version: row('version', '+', 1),
        updated_at: now,
      }))
      .where('id', 'in', ids)
      .where('status', '<>', 'revoked')
      .returning('id')
      .execute();
    const revoked = ended.map(({ id }) => ({ subject: 'authorization', id, action: 'revoked' }) as const);
    if (revoked.length > 0) await changes.recordMany(trx, actor, revoked);
    return ended.length;
  }

  async function setStatus(
    trx: Transaction<Database>,
    actor: Actor,
    id: string,
    from: Authorization['status'],
    to: 'active' | 'suspended',
  ): Promise<PauseOutcome> {
    // authorizations by primary key
    const { numUpdatedRows } = await trx
      .updateTable('authorizations')
      .set((row) => ({ status: to, version: row('version', '+', 1), updated_at: clock.now() }))
      .where('id', '=', id)
      .where('status', '=', from)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) {
      const row = await trx
        .selectFrom('authorizations')
        .select('status')
        .where('id', '=', id)
        .executeTakeFirst();
      return row?.status === to ? { outcome: 'done', changed: false } : { outcome: 'gone' };
    }
    const action = to === 'suspended' ? 'suspended' : 'resumed';
    await changes.record(trx, actor, { subject: 'authorization', id, action });
    return { outcome: 'done', changed: true };
  }
}
