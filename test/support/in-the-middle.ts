import { setTimeout as sleep } from 'node:timers/promises';
import { sql, type Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';

/** Tells whether somebody waits for what another transaction holds: the one writer of SQLite, or a lock of PostgreSQL's. */
async function somebodyWaits(store: Store): Promise<boolean> {
  if (store.engine === 'sqlite') return store.waiting() > 0;
  const { rows } = await sql`select 1 from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(store.db);
  return rows.length > 0;
}

/**
 * Begins something in the middle of a transaction, which goes on once that waits for it or is over. A server's own writer may be what waits,
 * once in a while: then what was begun comes after the transaction, and a test has to hold for that, too.
 * @param first what the transaction does before, and `rest` what it does after
 * @returns what was begun in the middle
 */
export async function inTheMiddle<T>(
  store: Store,
  first: (trx: Transaction<Database>) => Promise<unknown>,
  begin: () => Promise<T>,
  rest: (trx: Transaction<Database>) => Promise<unknown> = async () => {},
): Promise<T> {
  let begun: Promise<T> | undefined;
  await store.transact(async (trx) => {
    await first(trx);
    let over = false;
    const end = () => {
      over = true;
    };
    begun = begin();
    begun.then(end, end);
    while (!over && !(await somebodyWaits(store))) await sleep(5);
    await rest(trx);
  });
  if (!begun) throw new Error('nothing was begun');
  return begun;
}
