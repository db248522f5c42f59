import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { compileOnce } from '../../db/compile-once.ts';
import { migrate } from '../../db/migrate.ts';
import { openDatabase, type Store } from '../../db/open.ts';
import { engines, type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';

describe.each(engines)('on %s', (engine) => {
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

  test('a statement is built once and run with other values each time', async () => {
    let built = 0;
    const insert = compileOnce(store.db, (db, row: { key: string; points: number }) => {
      built += 1;
      return db.insertInto('counters').values({ key: row.key, points: row.points, expires_at: 9 });
    });
    await store.db.executeQuery(insert({ key: 'one', points: 1 }));
    await store.transact(async (trx) => void (await trx.executeQuery(insert({ key: 'two', points: 2 }))));
    const rows = await store.db
      .selectFrom('counters')
      .select(['key', 'points', 'expires_at'])
      .orderBy('key')
      .execute();
    expect(rows).toEqual([
      { key: 'one', points: 1, expires_at: 9 },
      { key: 'two', points: 2, expires_at: 9 },
    ]);
    expect(built).toBe(1);
  });
});
