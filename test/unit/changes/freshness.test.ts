/** The proof that a node knows of every acknowledged change, on both engines and with two nodes on one database. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { migrate } from '../../../db/migrate.ts';
import { openDatabase, type Store } from '../../../db/open.ts';
import { createChangeLedger } from '../../../src/changes/change-ledger.ts';
import { type ChangeSubject, createChangeLog } from '../../../src/changes/change-log.ts';
import { createFreshness } from '../../../src/changes/freshness.ts';
import { movableClock } from '../../support/clock.ts';
import { engines, type FreshDatabase, freshDatabaseUrl } from '../../support/databases.ts';

describe.each(engines)('on %s', (engine) => {
  let fresh: FreshDatabase;
  let here: Store;
  let there: Store;
  const changes = createChangeLog({ clock: movableClock() });

  beforeAll(async () => {
    fresh = await freshDatabaseUrl(engine);
    here = await openDatabase(fresh.url);
    await migrate(here);
    there = await openDatabase(fresh.url);
  });
  afterAll(async () => {
    await here.close();
    await there.close();
    await fresh.drop();
  });

  const node = (store: Store) => {
    const ledger = createChangeLedger();
    const freshness = createFreshness({ store, ledger });
    const prove = () =>
      new Promise<void>((resolve, reject) => {
        freshness.prove((failure) => (failure === undefined ? resolve() : reject(failure)));
      });
    return { ledger, freshness, prove };
  };
  const record = (store: Store, ...ids: string[]) =>
    store.transact(async (trx) => {
      for (const id of ids) {
        await changes.record(
          trx,
          { id: 'test' },
          { subject: 'user' as ChangeSubject, id, action: 'changed' },
        );
      }
    });

  test.each([
    ['its own process', () => here],
    ['another one', () => there],
  ])('learns of a change by %s, and of nothing else', async (_, writer) => {
    const { ledger, prove } = node(here);
    await prove();
    const before = ledger.position;
    await prove();
    expect(ledger.position).toBe(before);
    await record(writer(), 'usr_1', 'usr_2');
    await prove();
    expect(ledger.unchangedSince(before, ['user:usr_1'])).toBe(false);
    expect(ledger.unchangedSince(before, ['user:usr_2'])).toBe(false);
    expect(ledger.unchangedSince(before, ['user:usr_3'])).toBe(true);
  });

  test('a commit that changes no answer moves nothing', async () => {
    const { ledger, prove } = node(here);
    await prove();
    const before = ledger.position;
    await there.db
      .insertInto('counters')
      .values({ key: `k${engine}`, points: 1, expires_at: 1 })
      .execute();
    await prove();
    expect(ledger.position).toBe(before);
  });

  test('forgets everything when a change has no row to read', async () => {
    const { ledger, prove } = node(here);
    await prove();
    const before = ledger.position;
    await there.db
      .updateTable('change_counter')
      .set((row) => ({ n: row('n', '+', 2) }))
      .execute();
    await prove();
    expect(ledger.unchangedSince(before, [])).toBe(false);
    await there.db
      .updateTable('change_counter')
      .set((row) => ({ n: row('n', '-', 2) }))
      .execute();
    const middle = ledger.position;
    await prove();
    expect(ledger.unchangedSince(middle, [])).toBe(false);
  });

  test('questions that come together share a proof, and none is answered by one that began before it', async () => {
    const { ledger, prove } = node(here);
    await prove();
    const stale: number[] = [];
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const before = ledger.position;
        const id = `usr_${engine}_${index}`;
        if (index % 2) await record(index % 4 === 1 ? here : there, id);
        await prove();
        if (index % 2 && ledger.unchangedSince(before, [`user:${id}`])) stale.push(index);
      }),
    );
    expect(stale).toEqual([]);
  });

  test('those who wait are told as nobody, not as part of whatever first needed the connection', async () => {
    const store = await openDatabase(fresh.url);
    const { freshness } = node(store);
    const running = new AsyncLocalStorage<string>();
    const told: unknown[] = [];
    await running.run('a request', () =>
      Promise.all(
        Array.from({ length: 10 }, () => store.db.selectFrom('change_counter').selectAll().execute()),
      ),
    );
    for (let time = 0; time < 5; time += 1) {
      await new Promise<void>((resolve) => {
        freshness.prove(() => {
          told.push(running.getStore());
          resolve();
        });
      });
    }
    expect(told).toEqual(Array(5).fill(undefined));
    await store.close();
  });

  if (engine === 'sqlite') {
    test('those who wait are told before the thread waits for the disk in a COMMIT, and each once', async () => {
      const { freshness, prove } = node(here);
      await prove();
      const version = () => here.sqlite?.reader.pragma('data_version', { simple: true });
      const before = version();
      const told: unknown[] = [];
      const running = new AsyncLocalStorage<string>();
      const committed = running.run('a request', () => record(here, 'usr_slow'));
      // Until it has written: its COMMIT has its turn before who asks now.
      for (let step = 0; step < 500; step += 1) await Promise.resolve();
      freshness.prove((failure) => told.push([failure, version(), running.getStore()]));
      await committed;
      expect(told).toEqual([[undefined, before, undefined]]);
      expect(version()).not.toBe(before);
    });

    test('those who wait are told at once when somebody is about to keep the thread', async () => {
      const { freshness, ledger, prove } = node(here);
      await prove();
      const { position } = ledger;
      let told = 0;
      await record(there, 'usr_hurried');
      freshness.prove(() => {
        told += 1;
      });
      expect(told).toBe(0);
      freshness.hurry();
      expect([told, ledger.unchangedSince(position, ['user:usr_hurried'])]).toEqual([1, false]);
      freshness.hurry();
      await prove();
      expect(told).toBe(1);
    });
  }

  test('fails when the database cannot be asked, for everyone who waits', async () => {
    const store = await openDatabase(fresh.url);
    const { prove } = node(store);
    await prove();
    await store.close();
    const outcomes = await Promise.allSettled([prove(), prove()]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
