/**
 * Where people are signed in. Owns the list of a person's browsers and its end; does not own the session behind a cookie, which is
 * the library's and ends with its row here, on every node at once.
 */
import type { Kysely, Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import { newId } from '../ids.ts';

/** A browser that somebody is signed in with. */
export interface SignedInBrowser {
  readonly id: string;
  /** Keyed hash of the session's uid: tells which one is asking. */
  readonly uid: string;
  /** What it said it is; written by anyone, at most 300 characters. */
  readonly userAgent: string;
  readonly address: string;
  readonly signedInAt: number;
  /** How they proved who they are: RFC 8176, and `upstream:NAME`. */
  readonly methods: readonly string[];
  /** To within `seenEverySeconds`. */
  readonly lastSeenAt: number;
}

/** Who came, as far as it can be told. */
export interface Visitor {
  readonly userAgent?: string | undefined;
  readonly address?: string | undefined;
}

/** Which of a person's sessions end. */
export type EndedSessions = { readonly id: string } | { readonly allBut: string | undefined };

export interface SessionStore {
  /** Lists the browsers that a person is signed in with, the one seen last first. */
  list(userId: string): Promise<SignedInBrowser[]>;
  /** Ends sessions; their next request is nobody's. @returns how many there were */
  end(actor: Actor, userId: string, which: EndedSessions): Promise<number>;
  /** Notes that a session was used, once in a while. @param uid keyed hash */
  seen(uid: string, visitor: Visitor): Promise<void>;
}

const seenEverySeconds = 300;

export function createSessionStore(deps: { store: Store; clock: Clock; changes: ChangeLog }): SessionStore {
  const { store, clock, changes } = deps;
  return {
    async list(userId) {
      const rows = await store.db
        // sessions_by_user
        .selectFrom('sessions')
        .selectAll()
        .where('user_id', '=', userId)
        .where('expires_at', '>', clock.now())
        .execute();
      return rows
        .map((row) => ({
          id: row.id,
          uid: row.uid,
          userAgent: row.user_agent ?? '',
          address: row.address ?? '',
          signedInAt: row.signed_in_at,
          methods: row.methods === null ? [] : (JSON.parse(row.methods) as string[]),
          lastSeenAt: row.last_seen_at,
        }))
        .sort((one, other) => other.lastSeenAt - one.lastSeenAt || (one.id < other.id ? 1 : -1));
    },

    end: (actor, userId, which) =>
      store.transact(async (trx) => {
        const ended = await endSessions(trx, userId, which);
        if (ended > 0) {
          await changes.record(trx, actor, {
            subject: 'user',
            id: userId,
            action: 'signed_out',
            after: { sessions: ended },
          });
        }
        return ended;
      }),

    async seen(uid, visitor) {
      const now = clock.now();
      const row = await store.db
        // sessions by its unique uid
        .selectFrom('sessions')
        .select('last_seen_at')
        .where('uid', '=', uid)
        .executeTakeFirst();
      if (!row || row.last_seen_at + seenEverySeconds > now) return;
      await store.db
        .updateTable('sessions')
        .set({ last_seen_at: now, ...described(visitor) })
        .where('uid', '=', uid)
        .execute();
    },
  };
}

/** Keeps a session's row under the hash of its uid that the present secret gives. */
export async function renameSession(trx: Transaction<Database>, before: string, uid: string): Promise<void> {
  // sessions by its unique uid
  await trx.updateTable('sessions').set({ uid }).where('uid', '=', before).execute();
}

/**
 * Ends sessions of a person inside a transaction: what the cookies open, and the list's rows.
 * @returns how many there were
 */
export async function endSessions(
  trx: Transaction<Database>,
  userId: string,
  which: EndedSessions,
): Promise<number> {
  const these = (db: Kysely<Database>) => {
    // sessions_by_user
    const own = db.selectFrom('sessions').select('uid').where('user_id', '=', userId);
    if ('id' in which) return own.where('id', '=', which.id);
    return which.allBut === undefined ? own : own.where('uid', '<>', which.allBut);
  };
  if ('allBut' in which) await endHalfDoneSignIns(trx, userId);
  const rows = await these(trx).execute();
  if (rows.length === 0) return 0;
  const uids = rows.map(({ uid }) => uid);
  const close = () =>
    trx
      // oidc_artifacts_by_uid
      .deleteFrom('oidc_artifacts')
      .where('model', '=', 'Session')
      .where('uid', 'in', uids)
      .execute();
  await close();
  await trx.deleteFrom('sessions').where('uid', 'in', uids).execute();
  // A request that was giving one a new id at this moment has come to its end by now: on PostgreSQL only a new statement sees it.
  await close();
  return uids.length;
}

/**
 * Ends sign-ins whose password was right but that have not become sessions yet: whoever knew an old password and waits in front of
 * the last redirect, or of the question for a code, is out with everybody else.
 */
async function endHalfDoneSignIns(trx: Transaction<Database>, userId: string): Promise<void> {
  await trx
    // oidc_artifacts by the first column of its key: requests under way, each an hour old at most
    .deleteFrom('oidc_artifacts')
    .where('model', '=', 'Interaction')
    .where('payload', 'like', `%"login":{"accountId":"${userId}"%`)
    .execute();
  // challenges, which live for minutes
  await trx.deleteFrom('challenges').where('user_id', '=', userId).execute();
}

/** A session as it is saved. */
export interface SavedSession {
  readonly uid: string;
  readonly userId: string;
  readonly signedInAt: number;
  readonly methods: readonly string[];
  readonly now: number;
  readonly expiresAt: number;
  readonly visitor: Visitor;
}

/** Writes the row of somebody who has just signed in. */
export async function addSession(trx: Transaction<Database>, session: SavedSession): Promise<void> {
  const values = {
    id: newId('ses'),
    user_id: session.userId,
    user_agent: null,
    address: null,
    ...described(session.visitor),
    signed_in_at: session.signedInAt,
    methods: JSON.stringify(session.methods),
    last_seen_at: session.now,
    expires_at: session.expiresAt,
  };
  await trx
    .insertInto('sessions')
    .values({ ...values, uid: session.uid })
    // sessions by its unique uid
    .onConflict((conflict) => conflict.column('uid').doUpdateSet(values))
    .execute();
}

/** Deletes the row of a session that was ended by its own browser. */
export async function forgetSession(trx: Transaction<Database>, uid: string): Promise<void> {
  // sessions by its unique uid
  await trx.deleteFrom('sessions').where('uid', '=', uid).execute();
}

/** Prolongs a session's row. @returns whether it is still there */
export async function prolongSession(trx: Transaction<Database>, session: SavedSession): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('sessions')
    .set({ last_seen_at: session.now, expires_at: session.expiresAt, ...described(session.visitor) })
    // sessions by its unique uid
    .where('uid', '=', session.uid)
    .where('user_id', '=', session.userId)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

function described({ userAgent, address }: Visitor): { user_agent?: string; address?: string } {
  return {
    // Text in PostgreSQL cannot hold the character NUL.
    ...(userAgent !== undefined && { user_agent: userAgent.replaceAll('\0', '').slice(0, 300) }),
    ...(address !== undefined && { address: address.slice(0, 64) }),
  };
}
