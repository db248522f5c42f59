/**
 * What happened how often, in the database: one row for each hour or day and each thing that is counted, summed over all nodes. Never a
 * row per call. Owns the buckets and how long they are kept; nothing that answers depends on them, so they are no changes.
 */
import { type Kysely, sql } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import type { Clock } from '../clock.ts';

/** The lengths of buckets in seconds, and how many seconds each is kept. Days are those of UTC. */
export const spans = {
  hour: { seconds: 3_600, keptSeconds: 3 * 86_400 },
  day: { seconds: 86_400, keptSeconds: 100 * 86_400 },
} as const;

export type Span = keyof typeof spans;

/** How often something happened. */
export interface Happened {
  readonly topic: string;
  readonly outcome: string;
  /** The resource server's name; empty where there is none. */
  readonly party: string;
  readonly n: number;
}

export interface Bucket extends Happened {
  /** Seconds; a whole hour or day. */
  readonly startsAt: number;
}

export interface ActivityStore {
  /** Adds to the hour and the day that it is now, in one transaction. */
  add(happened: readonly Happened[]): Promise<void>;
  /** Reads the buckets that began at an instant or later, the oldest first. */
  since(span: Span, instant: number): Promise<Bucket[]>;
  /** Deletes what is no longer kept. @returns how many rows went */
  prune(): Promise<number>;
}

const rowsAtOnce = 200;

/** The beginning of the bucket that an instant is in. Pure. */
export const bucketOf = (span: Span, instant: number): number =>
  Math.floor(instant / spans[span].seconds) * spans[span].seconds;

export function createActivityStore({
  store,
  clock,
}: {
  store: Pick<Store, 'db' | 'transact'>;
  clock: Clock;
}): ActivityStore {
  return {
    async add(happened) {
      if (happened.length === 0) return;
      const now = clock.now();
      // Always in the same order: nodes that write at once do not wait for each other in a circle.
      const ordered = [...happened].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
      const rows = (Object.keys(spans) as Span[]).flatMap((span) =>
        ordered.map(({ topic, outcome, party, n }) => ({
          span: spans[span].seconds,
          starts_at: bucketOf(span, now),
          topic,
          outcome,
          party,
          n,
        })),
      );
      await store.transact(async (trx) => {
        for (let from = 0; from < rows.length; from += rowsAtOnce) {
          await addRows(trx, rows.slice(from, from + rowsAtOnce));
        }
      });
    },
    async since(span, instant) {
      // activity by primary key
      const rows = await store.db
        .selectFrom('activity')
        .select(['starts_at', 'topic', 'outcome', 'party', 'n'])
        .where('span', '=', spans[span].seconds)
        .where('starts_at', '>=', instant)
        .orderBy('starts_at')
        .execute();
      return rows.map(({ starts_at, ...rest }) => ({ startsAt: starts_at, ...rest }));
    },
    async prune() {
      let deleted = 0;
      for (const { seconds, keptSeconds } of Object.values(spans)) {
        // activity by primary key
        const { numDeletedRows } = await store.db
          .deleteFrom('activity')
          .where('span', '=', seconds)
          .where('starts_at', '<', clock.now() - keptSeconds)
          .executeTakeFirstOrThrow();
        deleted += Number(numDeletedRows);
      }
      return deleted;
    },
  };
}

const keyOf = ({ topic, outcome, party }: Happened) => `${topic} ${outcome} ${party}`;

async function addRows(db: Kysely<Database>, rows: readonly Database['activity'][]): Promise<void> {
  await db
    .insertInto('activity')
    .values(rows)
    // activity by primary key; other nodes add to the same rows
    .onConflict((conflict) =>
      conflict
        .columns(['span', 'starts_at', 'topic', 'outcome', 'party'])
        .doUpdateSet({ n: sql<number>`activity.n + excluded.n` }),
    )
    .execute();
}
