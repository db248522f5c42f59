/** Transactions on SQLite share a COMMIT, and stay as separate as if they did not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { migrate } from '../../db/migrate.ts';
import { openDatabase, type Store } from '../../db/open.ts';
import { spillToFiles } from '../../db/sqlite-handles.ts';
import { type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';

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

const insert = (key: string, other: Store = store) =>
  other.transact(async (trx) => {
    await trx.insertInto('counters').values({ key, points: 1, expires_at: 1 }).execute();
  });
const keys = async (from: Store = store) =>
  (await from.db.selectFrom('counters').select('key').orderBy('key').execute()).map(({ key }) => key);
const writerOf = ({ sqlite }: Store) => {
  if (!sqlite) throw new Error('not SQLite');
  return sqlite.writer;
};
const linkOf = (path: string) => {
  try {
    return readlinkSync(path);
  } catch {
    // Closed meanwhile.
    return '';
  }
};
/** Commits that the file has seen, by way of the version that every commit of another handle moves. */
const dataVersion = () => store.sqlite?.reader.pragma('data_version', { simple: true }) as number;

describe('a group of transactions', () => {
  test('shares one COMMIT, and each is there once it resolves', async () => {
    const before = dataVersion();
    await Promise.all(['a', 'b', 'c', 'd'].map((key) => insert(key)));
    expect(await keys()).toEqual(['a', 'b', 'c', 'd']);
    expect(dataVersion()).toBe(before + 1);
  });

  test('shows nothing to a reader before it is durable', async () => {
    let seen: string[] | undefined;
    await Promise.all([
      insert('a'),
      store.transact(async (trx) => {
        expect(await trx.selectFrom('counters').select('key').execute()).toEqual([{ key: 'a' }]);
        seen = await keys();
      }),
    ]);
    expect(seen).toEqual([]);
  });

  test('undoes one that fails, alone', async () => {
    const outcomes = await Promise.allSettled([
      insert('a'),
      store.transact(async (trx) => {
        await trx.insertInto('counters').values({ key: 'lost', points: 1, expires_at: 1 }).execute();
        throw new Error('no');
      }),
      insert('b'),
      insert('a'),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    expect(await keys()).toEqual(['a', 'b']);
  });

  test('lets one of many use what can be used once', async () => {
    await insert('code');
    const uses = await Promise.allSettled(
      Array.from({ length: 20 }, () =>
        store.transact(async (trx) => {
          const { numUpdatedRows } = await trx
            .updateTable('counters')
            .set({ points: 0 })
            .where('key', '=', 'code')
            .where('points', '=', 1)
            .executeTakeFirstOrThrow();
          if (numUpdatedRows === 0n) throw new Error('used');
        }),
      ),
    );
    expect(uses.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('takes single statements in, and undoes one of them that fails', async () => {
    const before = dataVersion();
    const row = (key: string) => store.db.insertInto('counters').values({ key, points: 1, expires_at: 1 });
    const outcomes = await Promise.allSettled([insert('a'), row('b').execute(), row('a').execute()]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(await keys()).toEqual(['a', 'b']);
    expect(dataVersion()).toBe(before + 1);
  });

  test('fails as a whole when its COMMIT fails, refusals included, and the next one works', async () => {
    // A deferred foreign key is the one thing that fails at COMMIT alone.
    const writer = writerOf(store);
    writer.exec('create table parent (id integer primary key)');
    writer.exec('create table child (parent integer references parent (id) deferrable initially deferred)');
    const outcomes = await Promise.allSettled([
      insert('a'),
      store.transact(async () => void writer.exec('insert into child values (1)')),
      store.transact(async () => {
        throw new Error('refused because of what was written before');
      }),
    ]);
    expect(
      outcomes.map((one) => one.status === 'rejected' && (one.reason as { code?: string }).code),
    ).toEqual(Array.from({ length: 3 }, () => 'SQLITE_CONSTRAINT_FOREIGNKEY'));
    expect(await keys()).toEqual([]);
    await insert('b');
    expect(await keys()).toEqual(['b']);
  });

  test('fails as a whole when SQLite rolls it back, and writes nothing outside of it', async () => {
    const writer = writerOf(store);
    const outcomes = await Promise.allSettled([
      insert('a'),
      store.transact(async (trx) => {
        // What a full disk does.
        writer.exec('ROLLBACK');
        await trx.insertInto('counters').values({ key: 'stray', points: 1, expires_at: 1 }).execute();
      }),
      insert('b'),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(await keys()).toEqual(['b']);
  });

  (process.platform === 'linux' ? test : test.skip)('keeps what would undo a member in no file', async () => {
    await store.transact(async (trx) => {
      for (let n = 0; n < 2_000; n++) {
        await trx
          .insertInto('counters')
          .values({ key: `${n}${'-'.repeat(200)}`, points: 1, expires_at: 1 })
          .execute();
      }
    });
    // They have no name from the start.
    const nameless = () =>
      readdirSync('/proc/self/fd').filter((fd) => linkOf(`/proc/self/fd/${fd}`).endsWith('(deleted)')).length;
    const temporaryFiles = (of: Store, points: number) =>
      of.transact(async (trx) => {
        const before = nameless();
        await trx.updateTable('counters').set({ points }).execute();
        return nameless() - before;
      });
    expect(await temporaryFiles(store, 2)).toBe(0);
    const other = await openDatabase(fresh.url);
    spillToFiles(writerOf(other));
    expect(await temporaryFiles(other, 3)).toBe(1);
    await other.close();
  });

  test('waits for another process without keeping reads or timers waiting', async () => {
    const other = await openDatabase(fresh.url);
    const writer = writerOf(other);
    writer.exec('BEGIN IMMEDIATE');
    const written = Promise.all([insert('a'), insert('b')]);
    expect(await keys()).toEqual([]);
    await new Promise((resume) => setTimeout(resume, 50));
    expect(await keys()).toEqual([]);
    writer.exec('COMMIT');
    await written;
    expect(await keys(other)).toEqual(['a', 'b']);
    await other.close();
  });
});

test('what was acknowledged is there after the process is killed, and nothing is there by half', async () => {
  const program = `
    import { openDatabase } from ${JSON.stringify(new URL('../../db/open.ts', import.meta.url).href)};
    const store = await openDatabase(${JSON.stringify(fresh.url)});
    let n = 0;
    const one = async (worker) => {
      for (;;) {
        const key = worker + '-' + n++;
        await store.transact(async (trx) => {
          await trx.insertInto('counters').values({ key: key + '-1', points: 1, expires_at: 1 }).execute();
          await trx.insertInto('counters').values({ key: key + '-2', points: 1, expires_at: 1 }).execute();
        });
        process.stdout.write(key + '\\n');
      }
    };
    for (let worker = 0; worker < 8; worker++) void one(worker);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let acknowledged = '';
  child.stdout.on('data', (chunk: Buffer) => {
    acknowledged += chunk.toString();
    if (acknowledged.length > 4_000) child.kill('SIGKILL');
  });
  await once(child, 'close');
  const there = new Set(await keys());
  const told = acknowledged.split('\n').slice(0, -1);
  expect(told.length).toBeGreaterThan(100);
  expect(told.filter((key) => !there.has(`${key}-1`) || !there.has(`${key}-2`))).toEqual([]);
  const halves = [...there].map((key) => key.slice(0, -2));
  expect(halves).toHaveLength(2 * new Set(halves).size);
});
