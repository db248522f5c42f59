/** Where resource servers want security events, and how far each was told. Owns the rows and the turn-taking of several nodes. */
import type { Store } from '../../db/open.ts';
import type { EventReceiversTable } from '../../db/schema.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import { type Clock, clocksDifferSeconds } from '../clock.ts';
import type { Secrets } from '../secrets.ts';

export interface EventReceiver {
  readonly resourceServerId: string;
  /** https, or this computer. */
  readonly endpoint: string;
  /** Sent as a Bearer token with each event; undefined: none. */
  readonly token: string | undefined;
  /** The last change that it was told of. */
  readonly afterSeq: number;
  readonly failures: number;
  readonly lastFailure: string | null;
  readonly lastToldAt: number | null;
}

/** A receiver that is one node's to tell. */
export interface Turn {
  readonly receiver: EventReceiver;
  /** Until when; the row holds it too, and another value there says that the turn is lost. */
  readonly until: number;
}

export interface EventReceiverStore {
  find(resourceServerId: string): Promise<EventReceiver | undefined>;
  /** Sets where events go, from now on. @param token null keeps what is there for the same endpoint, and is none for another */
  set(actor: Actor, resourceServerId: string, endpoint: string, token: string | null): Promise<void>;
  remove(actor: Actor, resourceServerId: string): Promise<boolean>;
  /** Counts the changes of which the receiver that is furthest behind was not told; those of disabled resource servers aside. */
  furthestBehind(): Promise<number>;
  /** Takes the turn for what is due; of several nodes one gets it. @param leaseSeconds until another may try */
  claimDue(leaseSeconds: number): Promise<Turn[]>;
  /** Keeps the turn for as long again. @returns the turn as it is now; undefined when it is another's, or the receiver was changed */
  renew(turn: Turn, leaseSeconds: number): Promise<Turn | undefined>;
  /** Ends the turn: it was told everything up to a change. Does nothing when the turn is lost, as the other two ends. */
  told(turn: Turn, afterSeq: number, anything: boolean): Promise<void>;
  /** Ends the turn, and keeps why it could not be told; it is tried again later and later, at least every five minutes. */
  failed(turn: Turn, why: string): Promise<void>;
  /** Ends the turn with nothing done; another node takes it at once. */
  release(turn: Turn): Promise<void>;
}

const longestPauseSeconds = 300;
/** Nothing is due later, but by a clock that was ahead. */
const latestDueSeconds = longestPauseSeconds + clocksDifferSeconds;
const placeOf = (id: string) => ({ of: 'event_receivers.sealed_token', id });

export function createEventReceiverStore(deps: {
  store: Store;
  clock: Clock;
  secrets: Secrets;
  changes: ChangeLog;
}): EventReceiverStore {
  const { store, clock, secrets, changes } = deps;
  const { db } = store;

  const receiverOf = (row: EventReceiversTable): EventReceiver => ({
    resourceServerId: row.resource_server_id,
    endpoint: row.endpoint,
    token:
      row.sealed_token === null
        ? undefined
        : secrets.unseal(row.sealed_token, placeOf(row.resource_server_id)),
    afterSeq: row.after_seq,
    failures: row.failures,
    lastFailure: row.last_failure,
    lastToldAt: row.last_told_at,
  });

  /** Writes to the row of a turn that is still held. */
  const settle = ({ receiver, until }: Turn, values: Partial<EventReceiversTable>) =>
    // event_receivers by primary key
    db
      .updateTable('event_receivers')
      .set(values)
      .where('resource_server_id', '=', receiver.resourceServerId)
      .where('due_at', '=', until)
      .executeTakeFirstOrThrow();

  return {
    async find(id) {
      // event_receivers by primary key
      const row = await db
        .selectFrom('event_receivers')
        .selectAll()
        .where('resource_server_id', '=', id)
        .executeTakeFirst();
      return row && receiverOf(row);
    },

    set: (actor, id, endpoint, token) =>
      store.transact(async (trx) => {
        const seq = await changes.record(trx, actor, {
          subject: 'resource_server',
          id,
          action: 'event_receiver_set',
          after: { endpoint },
        });
        const before = await trx
          .selectFrom('event_receivers')
          .select(['endpoint', 'sealed_token'])
          .where('resource_server_id', '=', id)
          .executeTakeFirst();
        // What was meant for one place is not sent to another.
        const kept = before?.endpoint === endpoint ? before.sealed_token : null;
        const row = {
          endpoint,
          sealed_token: token === null ? kept : token === '' ? null : secrets.seal(token, placeOf(id)),
          after_seq: seq,
          due_at: clock.now(),
          failures: 0,
          last_failure: null,
          last_told_at: null,
          created_at: clock.now(),
        };
        // event_receivers by primary key
        await trx
          .insertInto('event_receivers')
          .values({ resource_server_id: id, ...row })
          .onConflict((conflict) => conflict.column('resource_server_id').doUpdateSet(row))
          .execute();
      }),

    remove: (actor, id) =>
      store.transact(async (trx) => {
        // event_receivers by primary key
        const { numDeletedRows } = await trx
          .deleteFrom('event_receivers')
          .where('resource_server_id', '=', id)
          .executeTakeFirst();
        if (numDeletedRows === 0n) return false;
        await changes.record(trx, actor, {
          subject: 'resource_server',
          id,
          action: 'event_receiver_removed',
        });
        return true;
      }),

    async furthestBehind() {
      // the whole table and the counter's row: receivers are few
      const row = await db
        .selectFrom('event_receivers as r')
        .innerJoin('resource_servers as s', 's.id', 'r.resource_server_id')
        .innerJoin('change_counter as c', (join) => join.on('c.id', '=', 1))
        .select(['r.after_seq', 'c.n'])
        .where('s.disabled', '=', 0)
        .orderBy('r.after_seq')
        .limit(1)
        .executeTakeFirst();
      return row ? Math.max(0, row.n - row.after_seq) : 0;
    },

    async claimDue(leaseSeconds) {
      const now = clock.now();
      // the whole table and the counter's row: receivers are few
      const behind = await db
        .selectFrom('event_receivers as r')
        .innerJoin('resource_servers as s', 's.id', 'r.resource_server_id')
        .innerJoin('change_counter as c', (join) => join.on('c.id', '=', 1))
        .select(['r.resource_server_id', 'r.due_at'])
        .where((is) => is.or([is('r.due_at', '<=', now), is('r.due_at', '>', now + latestDueSeconds)]))
        .where('s.disabled', '=', 0)
        .whereRef('r.after_seq', '<', 'c.n')
        .execute();
      const claimed: Turn[] = [];
      for (const { resource_server_id: id, due_at: due } of behind) {
        // event_receivers by primary key; of two who saw the same state, one moves it on
        const row = await db
          .updateTable('event_receivers')
          .set({ due_at: now + leaseSeconds })
          .where('resource_server_id', '=', id)
          .where('due_at', '=', due)
          .returningAll()
          .executeTakeFirst();
        if (row) claimed.push({ receiver: receiverOf(row), until: row.due_at });
      }
      return claimed;
    },

    async renew(turn, leaseSeconds) {
      const until = clock.now() + leaseSeconds;
      const { numUpdatedRows } = await settle(turn, { due_at: until });
      return numUpdatedRows === 0n ? undefined : { ...turn, until };
    },

    async told(turn, afterSeq, anything) {
      const now = clock.now();
      await settle(turn, {
        after_seq: afterSeq,
        due_at: now,
        failures: 0,
        last_failure: null,
        ...(anything && { last_told_at: now }),
      });
    },

    async failed(turn, why) {
      const failures = turn.receiver.failures + 1;
      await settle(turn, {
        failures,
        last_failure: why.slice(0, 300),
        due_at: clock.now() + Math.min(2 ** failures, longestPauseSeconds),
      });
    },

    release: async (turn) => void (await settle(turn, { due_at: clock.now() })),
  };
}
