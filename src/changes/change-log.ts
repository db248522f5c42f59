/**
 * The log of changes. Owns the counter and the rows that say what changed, in the same transaction as the change.
 * Does not own what a change means to a cache or to a listener.
 */
import type { Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { Clock } from '../clock.ts';

export type ChangeSubject =
  | 'authorization'
  | 'user'
  | 'role'
  | 'project'
  | 'mcp_server'
  | 'resource_server'
  | 'client'
  | 'policy'
  /** Alters no answer; on record all the same. */
  | 'signing_key'
  /** The whole server, as when a backup was put back. */
  | 'server';

/** Who makes a change, and from where. */
export interface Actor {
  /** A user id, `client:ID`, `command` or `system`. */
  readonly id: string;
  /** The address that the request came from. */
  readonly origin?: string;
}

/** One committed fact that can alter an answer. */
export interface Change {
  readonly subject: ChangeSubject;
  readonly id: string;
  /** A past participle: `created`, `revoked`, `role_assigned`. */
  readonly action: string;
  /** What was and what is; plain data, never a secret. */
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface ChangeLog {
  /**
   * Records a change. The counter's row is updated last in nobody's transaction but the writer's own, so that numbers are
   * given in the order of commits and a reader of the counter has seen everything below it.
   * @returns the number of the change
   */
  record(trx: Transaction<Database>, actor: Actor, change: Change): Promise<number>;
  /** Records several changes in their order, a few hundred at most. @returns the number of the last one */
  recordMany(trx: Transaction<Database>, actor: Actor, changes: readonly Change[]): Promise<number>;
}

/** Rows of one statement: writing a longer one down takes longer than whoever answers should wait. */
const rowsAtOnce = 100;

/**
 * Creates the log.
 * @param told hears of every change in its transaction, before it is committed: what it writes stays or goes with the change
 */
export function createChangeLog({
  clock,
  told,
}: {
  clock: Clock;
  told?: (trx: Transaction<Database>, actor: Actor, changes: readonly Change[]) => Promise<void>;
}): ChangeLog {
  return { record: (trx, actor, change) => recordMany(trx, actor, [change]), recordMany };

  async function recordMany(
    trx: Transaction<Database>,
    actor: Actor,
    changes: readonly Change[],
  ): Promise<number> {
    const { n } = await trx
      .updateTable('change_counter')
      .set((row) => ({ n: row('n', '+', changes.length) }))
      .where('id', '=', 1)
      .returning('n')
      .executeTakeFirstOrThrow();
    if (changes.length === 0) return n;
    const rows = changes.map((change, index) => ({
      seq: n - changes.length + 1 + index,
      at: clock.now(),
      subject: change.subject,
      subject_id: change.id,
      action: change.action,
      actor: actor.id,
      origin: actor.origin ?? null,
      before: change.before === undefined ? null : JSON.stringify(change.before),
      after: change.after === undefined ? null : JSON.stringify(change.after),
    }));
    for (let start = 0; start < rows.length; start += rowsAtOnce) {
      await trx
        .insertInto('changes')
        .values(rows.slice(start, start + rowsAtOnce))
        .execute();
    }
    await told?.(trx, actor, changes);
    return n;
  }
}
