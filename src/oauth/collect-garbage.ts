/** Deletes what has expired, in steps small enough that nothing else waits for them: apart from whoever answers, and bounded by time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import type { OldChanges } from '../changes/old-changes.ts';
import { type Clock, monotonicMilliseconds } from '../clock.ts';
import { keptAfterExpirySeconds } from './artifact-adapter.ts';

/** Rows of the first step; how long it took tells how many the next one has. */
const firstRows = 100;
const mostRows = 2_000;
/** For about this long other writers wait for a step; then they have their turn. */
const stepMilliseconds = 20;
/** Of the time between steps: as long as a step takes, so that no more than half of the writing is this. */
const mostPauseMilliseconds = 100;
/** Counters are kept past their end for those that grow with repetition, such as poll intervals. */
const countersKeptSeconds = 3_600;

export interface GarbageCollector {
  /** Deletes everything that is due. @returns how many rows went */
  collect(): Promise<number>;
}

interface Expiring {
  readonly table: keyof Database;
  /** Columns of its primary key. */
  readonly key: readonly string[];
  readonly keptSeconds: number;
}

interface Step {
  readonly deleted: number;
  readonly more: boolean;
}

/** Each has an index of its ends, `…_by_expiry`. */
const expiring: readonly Expiring[] = [
  { table: 'oidc_artifacts', key: ['model', 'key'], keptSeconds: keptAfterExpirySeconds },
  { table: 'counters', key: ['key'], keptSeconds: countersKeptSeconds },
  { table: 'sessions', key: ['id'], keptSeconds: 0 },
  { table: 'challenges', key: ['key'], keptSeconds: 0 },
  { table: 'upstream_requests', key: ['key'], keptSeconds: 0 },
];

/** @param deps.oldChanges without it the log of changes is kept for ever */
export function createGarbageCollector(deps: {
  store: Store;
  clock: Clock;
  oldChanges?: OldChanges | undefined;
}): GarbageCollector {
  const { store, clock, oldChanges } = deps;
  let trimming = false;
  return {
    async collect() {
      let deleted = 0;
      for (const kind of expiring) deleted += await inSteps((rows) => deleteExpired(kind, rows));
      return deleted + (await trim());
    },
  };

  async function deleteExpired(kind: Expiring, rows: number): Promise<Step> {
    const due = clock.now() - kind.keptSeconds;
    // Where nothing is due, which is most of the time, nothing is begun.
    if ((await overdue(kind, due, 1).execute(store.db)).rows.length === 0) return { deleted: 0, more: false };
    const deleted = await store.transactApart((trx) => deleteSome(trx, kind, due, rows));
    return { deleted, more: deleted >= rows };
  }

  async function trim(): Promise<number> {
    // Years of changes, when this is first asked for, take longer than it is until the next time.
    if (!oldChanges || trimming) return 0;
    trimming = true;
    try {
      return await inSteps(oldChanges.pass());
    } finally {
      trimming = false;
    }
  }
}

/** Makes steps for as long as there is more. @returns how many rows went */
async function inSteps(step: (rows: number) => Promise<Step>): Promise<number> {
  let deleted = 0;
  for (let rows = firstRows; ; ) {
    const begun = monotonicMilliseconds();
    const done = await step(rows);
    const took = Math.max(1, monotonicMilliseconds() - begun);
    deleted += done.deleted;
    if (!done.more) return deleted;
    const fitting = Math.round((rows * stepMilliseconds) / took);
    rows = Math.max(firstRows / 4, Math.min(fitting, rows * 2, mostRows));
    await sleep(Math.min(took, mostPauseMilliseconds));
  }
}

async function deleteSome(
  trx: Transaction<Database>,
  kind: Expiring,
  due: number,
  rows: number,
): Promise<number> {
  // The end is looked at once more where it is deleted: PostgreSQL waits for whoever prolongs a row at this moment, and then deletes by this.
  const { numAffectedRows } = await sql`
    delete from ${sql.table(kind.table)}
     where ${keyOf(kind)} in (${overdue(kind, due, rows)}) and expires_at < ${due}`.execute(trx);
  return Number(numAffectedRows ?? 0);
}

const overdue = (kind: Expiring, due: number, rows: number) =>
  sql`select ${sql.join(kind.key.map((name) => sql.ref(name)))} from ${sql.table(kind.table)}
       where expires_at < ${due} limit ${rows}`;

const keyOf = ({ key }: Expiring): RawBuilder<unknown> =>
  key.length === 1 ? sql.ref(key[0] as string) : sql`(${sql.join(key.map((name) => sql.ref(name)))})`;
