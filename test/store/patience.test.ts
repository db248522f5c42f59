/** What a request waits for PostgreSQL in all, and what becomes of a connection that it no longer waits for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { openDatabase, type Store, serverPatienceMilliseconds } from '../../db/open.ts';
import { isOutage } from '../../db/outage.ts';
import { createPatience } from '../../db/patience.ts';
import { type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { startStopwatch } from '../support/thread-time.ts';

let database: FreshDatabase;
let store: Store;
beforeAll(async () => {
  database = await freshDatabaseUrl('postgres');
  store = await openDatabase(database.url, { patienceMilliseconds: serverPatienceMilliseconds });
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

const sleeping = (seconds: number) => sql`select pg_sleep(${seconds}::float8)`.execute(store.db);
const late = { name: 'LateDatabaseError' };

test('what is waited for one after another counts together', async () => {
  const patience = createPatience(300);
  await patience.within(async () => {
    await patience.wait(() => sleep(200));
    await expect(patience.wait(() => sleep(200))).rejects.toMatchObject(late);
    // Nothing is left: nothing is begun any more.
    await expect(patience.wait(() => Promise.reject(new Error('begun')))).rejects.toMatchObject(late);
  });
});

test('what is waited for at once counts once, and what is prompt counts nothing', async () => {
  const patience = createPatience(1_500);
  await patience.within(async () => {
    await Promise.all([1, 2, 3].map(() => patience.wait(() => sleep(700))));
    for (let time = 0; time < 100; time += 1) await patience.wait(() => sleep(10));
    await patience.wait(async () => {});
  });
});

test('nobody is hurried who is no request, or whose answer has begun', async () => {
  const patience = createPatience(50);
  await patience.wait(() => sleep(100));
  await patience.within(() => patience.wait(() => sleep(100)), { until: () => true });
  await expect(patience.within(() => patience.wait(() => sleep(100)))).rejects.toMatchObject(late);
  await expect(patience.within(() => patience.wait(() => sleep(20)), { waited: 60 })).rejects.toMatchObject(
    late,
  );
});

test('a connection whose statement nobody waits for is not given to anybody else', async () => {
  const taken = startStopwatch();
  const answers = await Promise.allSettled(
    Array.from({ length: 10 }, () => store.within(() => sleeping(1.7), { waited: 1_500 })),
  );
  expect(taken()).toBeLessThan(1_500);
  for (const answer of answers) {
    expect(answer.status).toBe('rejected');
    expect(isOutage((answer as PromiseRejectedResult).reason)).toBe(true);
  }
  // All ten are at work; who waits now waits for a connection, and has one of its own then.
  const { rows } = await sql<{ one: number }>`select 1 as one`.execute(store.db);
  expect(rows).toEqual([{ one: 1 }]);
});

test('a transaction that ran late is taken back, and the next one has a connection that is whole', async () => {
  await sql`create table kept (n integer)`.execute(store.db);
  await expect(
    store.within(
      () =>
        store.transact(async (trx) => {
          await sql`insert into kept values (1)`.execute(trx);
          await sql`select pg_sleep(1.7)`.execute(trx);
        }),
      { waited: 1_400 },
    ),
  ).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  await sleep(1_600);
  const { rows } = await sql<{ n: number }>`select n from kept`.execute(store.db);
  expect(rows).toEqual([]);
});
