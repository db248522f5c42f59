/** Limits that hold on every node: one counter row a key, taken in one statement. */
import { type Kysely, sql } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import { type Clock, clocksDifferSeconds } from '../clock.ts';
import type { Secrets } from '../secrets.ts';

export interface Limit {
  /** What is counted; a label, not a secret. */
  readonly name: string;
  /** How many uses a window allows. */
  readonly points: number;
  readonly windowSeconds: number;
}

export type Taken =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number };

/** A limit with the key that is counted. */
export type Counted = readonly [limit: Limit, key: string];

export interface RateLimits {
  /**
   * Uses up points of a key; ten at once with five left let exactly five through.
   * @param amount how many, one unless it says otherwise
   */
  take(limit: Limit, key: string, amount?: number): Promise<Taken>;
  /**
   * Uses up a point of each key in turn, in one transaction, until one has none left; those after it keep theirs.
   * @returns also which one that was
   */
  takeInTurn(counted: readonly Counted[]): Promise<Taken & { readonly by?: Limit }>;
  /** Tells whether a key has points left, without using one. */
  peek(limit: Limit, key: string): Promise<Taken>;
  /** Gives a key one point back. */
  giveBack(limit: Limit, key: string): Promise<void>;
  /** Gives a key its points back. */
  forget(limit: Limit, key: string): Promise<void>;
}

export function createRateLimits({
  store,
  clock,
  secrets,
}: {
  store: Store;
  clock: Clock;
  secrets: Secrets;
}): RateLimits {
  const rowKey = (limit: Limit, key: string) => `limit:${limit.name}:${secrets.keyedHash('limit', key)}`;
  const judge = (limit: Limit, points: number, end: number): Taken =>
    points <= limit.points
      ? { kind: 'allowed' }
      : { kind: 'limited', retryAfterSeconds: Math.max(1, end - clock.now()) };
  /** What a clock that was ahead has counted would be held against somebody for as long as it was ahead. */
  const latestEnd = (limit: Limit) => clock.now() + limit.windowSeconds + clocksDifferSeconds;
  const takeOn = async (db: Kysely<Database>, limit: Limit, key: string, amount: number) => {
    const now = clock.now();
    const end = now + limit.windowSeconds;
    const over = sql<boolean>`(counters.expires_at <= ${now} or counters.expires_at > ${latestEnd(limit)})`;
    const row = await db
      // Primary key.
      .insertInto('counters')
      .values({ key: rowKey(limit, key), points: amount, expires_at: end })
      .onConflict((conflict) =>
        conflict.column('key').doUpdateSet({
          points: sql<number>`case when ${over} then ${amount} else counters.points + ${amount} end`,
          expires_at: sql<number>`case when ${over} then ${end} else counters.expires_at end`,
        }),
      )
      .returning(['points', 'expires_at'])
      .executeTakeFirstOrThrow();
    return judge(limit, row.points, row.expires_at);
  };
  return {
    take: (limit, key, amount = 1) => takeOn(store.db, limit, key, amount),
    takeInTurn: (counted) =>
      store.transact(async (trx) => {
        for (const [limit, key] of counted) {
          const taken = await takeOn(trx, limit, key, 1);
          if (taken.kind === 'limited') return { ...taken, by: limit };
        }
        return { kind: 'allowed' };
      }),
    async peek(limit, key) {
      const row = await store.db
        // Primary key.
        .selectFrom('counters')
        .select(['points', 'expires_at'])
        .where('key', '=', rowKey(limit, key))
        .executeTakeFirst();
      return row && row.expires_at > clock.now() && row.expires_at <= latestEnd(limit)
        ? judge(limit, row.points + 1, row.expires_at)
        : { kind: 'allowed' };
    },
    async giveBack(limit, key) {
      await store.db
        // Primary key.
        .updateTable('counters')
        .set((row) => ({ points: row('points', '-', 1) }))
        .where('key', '=', rowKey(limit, key))
        .where('points', '>', 0)
        .execute();
    },
    async forget(limit, key) {
      await store.db.deleteFrom('counters').where('key', '=', rowKey(limit, key)).execute();
    },
  };
}
