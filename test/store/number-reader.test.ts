/** Reading a number of a real PostgreSQL's, the change counter, in as few bytes as there are, and everything that may come back instead. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { migrate } from '../../db/migrate.ts';
import { openDatabase, type Store, serverPatienceMilliseconds } from '../../db/open.ts';
import { isOutage } from '../../db/outage.ts';
import { monotonicMilliseconds } from '../../src/clock.ts';
import { type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { startStopwatch } from '../support/thread-time.ts';

let database: FreshDatabase;
let store: Store;
/** Somebody else on the same database. */
let other: pg.Client;

beforeAll(async () => {
  database = await freshDatabaseUrl('postgres');
  const migrating = await openDatabase(database.url);
  await migrate(migrating);
  await migrating.close();
});
beforeEach(async () => {
  store = await openDatabase(database.url, { patienceMilliseconds: serverPatienceMilliseconds });
  other = new pg.Client({ connectionString: database.url });
  await other.connect();
});
afterEach(async () => {
  await other.end();
  await store.close();
});
afterAll(() => database.drop());

const openReader = () => {
  if (!store.pool) throw new Error('not PostgreSQL');
  const reader = store.pool.numberReader({
    name: 'change_counter',
    text: 'select n from change_counter where id = 1',
  });
  const read = (waited = 0) =>
    new Promise<number>((resolve, reject) => {
      reader.read(monotonicMilliseconds() - waited, (failure, n) =>
        failure === undefined ? resolve(n) : reject(failure),
      );
    });
  /** The process of PostgreSQL's that serves the connection. */
  const backend = async () =>
    (await reader.query<{ pid: number }>({ name: 'pid', text: 'select pg_backend_pid() as pid' })).rows[0]
      ?.pid;
  return { query: reader.query, read, backend };
};
const set = (n: number) => other.query('update change_counter set n = $1', [n]);
/** Waits until that process waits for a lock. */
const untilLocked = async (pid: number | undefined) => {
  for (;;) {
    const waits = 'select 1 from pg_stat_activity where pid = $1 and wait_event_type = $2';
    if ((await other.query(waits, [pid, 'Lock'])).rowCount === 1) return;
    await sleep(5);
  }
};

/** Waits until PostgreSQL has that process no more. */
const untilGone = async (pid: number | undefined) => {
  while ((await other.query('select 1 from pg_stat_activity where pid = $1', [pid])).rowCount !== 0) {
    await sleep(5);
  }
};

test('every read sees what was committed before it began, in numbers as large as they come, on one connection', async () => {
  const { read, backend } = openReader();
  await read();
  const pid = await backend();
  for (const n of [0, 7, 2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER, 3]) {
    await set(n);
    expect(await read()).toBe(n);
  }
  expect(await backend()).toBe(pid);
});

test('a number that is not exact is none', async () => {
  const { read } = openReader();
  await read();
  await other.query('update change_counter set n = 9007199254740993');
  await expect(read()).rejects.toThrow('change_counter is no exact number');
  await set(1);
  expect(await read()).toBe(1);
});

test('a counter without its row is no number, whether read for the first time or again', async () => {
  const { read } = openReader();
  await read();
  await other.query('delete from change_counter');
  await expect(read()).rejects.toThrow('change_counter is missing');
  await expect(read()).rejects.toThrow('change_counter is missing');
  await other.query('insert into change_counter (id, n) values (1, 5)');
  expect(await read()).toBe(5);
});

test("PostgreSQL's own refusal is the failure, and the connection that it came on is closed", async () => {
  const { read, backend } = openReader();
  await read();
  const pid = await backend();
  await other.query('alter table change_counter rename to elsewhere');
  await expect(read()).rejects.toMatchObject({ code: '42P01' });
  await other.query('alter table elsewhere rename to change_counter');
  expect(await read()).toBe(5);
  expect(await backend()).not.toBe(pid);
});

test.each(['discard all', 'deallocate all'])(
  'after "%s" the statement is prepared anew, and nobody is told',
  async (text) => {
    const { query, read } = openReader();
    await read();
    await query({ name: 'forgetful', text });
    expect(await read()).toBe(5);
    expect(await read()).toBe(5);
  },
);

test('a connection that is cut while it is quiet is not asked again', async () => {
  const { read, backend } = openReader();
  await read();
  const pid = await backend();
  await other.query('select pg_terminate_backend($1)', [pid]);
  await untilGone(pid);
  // What it said last is here by now, and is heard in the next turns.
  await sleep(20);
  expect(await read()).toBe(5);
  expect(await backend()).not.toBe(pid);
});

test('one that is cut in the middle of a read fails that read, as an outage, and the next has another connection', async () => {
  const { read, backend } = openReader();
  await read();
  const pid = await backend();
  await other.query('begin; lock table change_counter in access exclusive mode');
  const reading = read();
  reading.catch(() => {});
  await untilLocked(pid);
  await other.query('select pg_terminate_backend($1)', [pid]);
  const failure = await reading.catch((error: unknown) => error);
  expect(isOutage(failure)).toBe(true);
  await other.query('rollback');
  expect(await read()).toBe(5);
});

test('a read that takes too long is over for those who wait, and its connection is closed when they no longer do', async () => {
  const { query, read, backend } = openReader();
  await read();
  const pid = await backend();
  // Or PostgreSQL would end it at about the same time.
  await query({ name: 'patient', text: 'set statement_timeout = 0' });
  await other.query('begin; lock table change_counter in access exclusive mode');
  const begun = performance.now();
  await expect(read()).rejects.toMatchObject({ name: 'LateDatabaseError' });
  expect(performance.now() - begun).toBeGreaterThan(1_750);
  await other.query('rollback');
  expect(await read()).toBe(5);
  expect(await backend()).not.toBe(pid);
  await untilGone(pid);
});

test('nobody waits longer than a request may, however long that was before the read began', async () => {
  const { read } = openReader();
  await read();
  await other.query('begin; lock table change_counter in access exclusive mode');
  const taken = startStopwatch();
  await expect(read(1_500)).rejects.toMatchObject({ name: 'LateDatabaseError' });
  expect(taken()).toBeLessThan(1_500);
  await other.query('rollback');
});

test('a pool that is closed waits for a moment only', async () => {
  const { read } = openReader();
  await read();
  const taken = startStopwatch();
  await store.pool?.end();
  expect(taken()).toBeLessThan(1_000);
  await expect(read()).rejects.toThrow();
});
