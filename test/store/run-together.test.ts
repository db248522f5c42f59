/** Statements that are known beforehand are a transaction like any other on SQLite. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { migrate } from '../../db/migrate.ts';
import { openDatabase, type Store } from '../../db/open.ts';
import type { KnownStatement } from '../../db/run-together.ts';
import { type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';

describe('statements that are known beforehand', () => {
  let fresh: FreshDatabase;
  let store: Store;
  beforeEach(async () => {
    fresh = await freshDatabaseUrl('sqlite');
    store = await openDatabase(fresh.url);
    await migrate(store);
  });
  afterEach(async () => {
    await store.close();
    await fresh.drop();
  });

  const insert = (key: string): KnownStatement => ({
    query: store.db.insertInto('counters').values({ key, points: 1, expires_at: 1 }).compile(),
    mustChange: false,
  });
  const use = (key: string): KnownStatement => ({
    query: store.db
      .updateTable('counters')
      .set({ points: 0 })
      .where('key', '=', key)
      .where('points', '=', 1)
      .compile(),
    mustChange: true,
  });
  const run = async (...known: KnownStatement[]) => store.runTogether?.(known);
  const rows = async () => {
    const found = await store.db.selectFrom('counters').select(['key', 'points']).orderBy('key').execute();
    return found.map(({ key, points }) => `${key} ${points}`);
  };
  /** Moves with every COMMIT of the writer. */
  const version = () => store.sqlite?.reader.pragma('data_version', { simple: true }) as number;

  test('are there once it resolves, and share their COMMIT with other transactions', async () => {
    const before = version();
    const done = await Promise.all([
      run(insert('a'), insert('b')),
      store.transact((trx) =>
        trx.insertInto('counters').values({ key: 'c', points: 1, expires_at: 1 }).execute(),
      ),
      run(use('a'), insert('d')),
    ]);
    expect([done[0], done[2]]).toEqual([true, true]);
    expect(await rows()).toEqual(['a 0', 'b 1', 'c 1', 'd 1']);
    expect(version()).toBe(before + 1);
  });

  test('do nothing at all when one changes nothing that had to', async () => {
    await run(insert('a'));
    const done = await Promise.all([run(insert('b'), use('missing')), run(insert('c'), use('a'))]);
    expect(done).toEqual([false, true]);
    expect(await rows()).toEqual(['a 0', 'c 1']);
  });

  test('let one of many use what can be used once', async () => {
    await run(insert('code'));
    const done = await Promise.all(Array.from({ length: 20 }, (_, n) => run(insert(`${n}`), use('code'))));
    expect(done.filter(Boolean)).toHaveLength(1);
    expect(await rows()).toHaveLength(2);
  });

  test('are undone alone when one of them fails', async () => {
    const outcomes = await Promise.allSettled([
      run(insert('a')),
      run(insert('lost'), insert('a')),
      run(insert('b')),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await rows()).toEqual(['a 1', 'b 1']);
  });

  test('are lost with everybody who shares the COMMIT when SQLite rolls it back, and the next ones work', async () => {
    const outcomes = await Promise.allSettled([
      run(insert('a')),
      store.transact(async () => void store.sqlite?.writer.exec('ROLLBACK')),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await rows()).toEqual([]);
    expect(await run(insert('b'))).toBe(true);
    expect(await rows()).toEqual(['b 1']);
  });
});
