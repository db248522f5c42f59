/** Large writes happen in a thread of their own on SQLite, in transactions like any other; on PostgreSQL in the database's process. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { migrate } from '../../db/migrate.ts';
import { openDatabase, type Store } from '../../db/open.ts';
import { engines, type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';

type Transaction = Parameters<Parameters<Store['transact']>[0]>[0];

const put = (trx: Transaction, key: string) =>
  trx.insertInto('counters').values({ key, points: 1, expires_at: 1 }).execute();

describe.each(engines)('a transaction apart, on %s', (engine) => {
  let fresh: FreshDatabase;
  let store: Store;
  beforeEach(async () => {
    fresh = await freshDatabaseUrl(engine);
    store = await openDatabase(fresh.url);
    await migrate(store);
  });
  afterEach(async () => {
    await store.close();
    await fresh.drop();
  });
  const keys = async () =>
    (await store.db.selectFrom('counters').select('key').orderBy('key').execute()).map(({ key }) => key);

  test('is there once it resolves, is seen by nobody before, and sees its own writes', async () => {
    const made = await store.transactApart(async (trx) => {
      await put(trx, 'a');
      expect(await keys()).toEqual([]);
      return (await trx.selectFrom('counters').select('key').execute()).map(({ key }) => key);
    });
    expect(made).toEqual(['a']);
    expect(await keys()).toEqual(['a']);
  });

  test('leaves nothing behind when the work throws, and the next one works', async () => {
    const failing = store.transactApart(async (trx) => {
      await put(trx, 'lost');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    const twice = store.transactApart(async (trx) => {
      await put(trx, 'a');
      await put(trx, 'a');
    });
    const code = engine === 'sqlite' ? 'SQLITE_CONSTRAINT_PRIMARYKEY' : '23505';
    await expect(twice).rejects.toMatchObject({ code });
    await store.transactApart((trx) => put(trx, 'b'));
    expect(await keys()).toEqual(['b']);
  });

  test('takes turns with every other writer, and tells how many rows it changed', async () => {
    await store.db.insertInto('counters').values({ key: 'n', points: 0, expires_at: 1 }).execute();
    const add = async (trx: Transaction) => {
      const { numUpdatedRows } = await trx
        .updateTable('counters')
        .set((row) => ({ points: row('points', '+', 1) }))
        .where('key', '=', 'n')
        .executeTakeFirstOrThrow();
      expect(numUpdatedRows).toBe(1n);
    };
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => (n % 2 ? store.transact(add) : store.transactApart(add))),
    );
    const { points } = await store.db.selectFrom('counters').select('points').executeTakeFirstOrThrow();
    expect(points).toBe(40);
  });

  test('does not hold the event loop while a statement takes long', async () => {
    let turns = 0;
    let running = true;
    const turn = () => {
      turns += 1;
      if (running) setImmediate(turn);
    };
    turn();
    const before = turns;
    await store.transactApart(async (trx) => {
      await sql`with recursive n (i) as (select 1 union all select i + 1 from n where i < 300000) select max(i) from n`.execute(
        trx,
      );
    });
    running = false;
    expect(turns - before).toBeGreaterThan(100);
  });

  test('outlives a database that is closed and opened again', async () => {
    await store.transactApart((trx) => put(trx, 'a'));
    await store.close();
    store = await openDatabase(fresh.url);
    await store.transactApart((trx) => put(trx, 'b'));
    expect(await keys()).toEqual(['a', 'b']);
  });
});

test('waits for another process that has the lock of the file, without keeping reads waiting', async () => {
  const fresh = await freshDatabaseUrl('sqlite');
  const [store, other] = [await openDatabase(fresh.url), await openDatabase(fresh.url)];
  try {
    await migrate(store);
    other.sqlite?.writer.exec('BEGIN IMMEDIATE');
    const written = store.transactApart((trx) => put(trx, 'a'));
    await new Promise((resume) => setTimeout(resume, 50));
    expect(await store.db.selectFrom('counters').select('key').execute()).toEqual([]);
    other.sqlite?.writer.exec('COMMIT');
    await written;
    expect(await other.db.selectFrom('counters').select('key').execute()).toEqual([{ key: 'a' }]);
  } finally {
    await store.close();
    await other.close();
    await fresh.drop();
  }
});
