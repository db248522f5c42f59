/** SQLite's log of writes is brought into the file beside those who write, and stays small whatever happens. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Sqlite from 'better-sqlite3';
import type { Checkpoint } from '../../db/apart-thread.ts';
import { type CheckpointPages, createCheckpoints } from '../../db/checkpoints.ts';
import { createGroupCommit } from '../../db/group-commit.ts';
import { createKeptThread, type KeptThread } from '../../db/kept-thread.ts';
import { openDatabase, type Store } from '../../db/open.ts';
import { openSqliteHandles } from '../../db/sqlite-handles.ts';
import { type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';

const pages = { enough: 100, lastResort: 1_000 };
/** SQLite by itself does nothing before the end of a test. */
const withoutLastResort = { enough: 100, lastResort: 1_000_000 };
/** Of one of the transactions here; it writes some pages of its table as well. */
const pagesEach = 10;

let fresh: FreshDatabase;
let path: string;
const ends: (() => unknown)[] = [];

beforeEach(async () => {
  fresh = await freshDatabaseUrl('sqlite');
  path = fresh.url.slice('sqlite:'.length);
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await fresh.drop();
});

interface Writing {
  /** Commits a transaction. */
  write(): Promise<void>;
  /** What SQLite says of the log. */
  log(): { log: number; checkpointed: number } | undefined;
  /** What was asked of the thread. */
  readonly asked: Checkpoint['checkpoint'][];
  readonly thread: KeptThread;
}

/** A process's part in the file. @param ask stands in for the thread */
function open(of: CheckpointPages, ask?: KeptThread['ask']): Writing {
  const { reader, writer } = openSqliteHandles(path);
  writer.exec('create table if not exists filler (bytes blob)');
  const thread = createKeptThread(path);
  const asked: Checkpoint['checkpoint'][] = [];
  const group = createGroupCommit(writer, { committing() {}, committed: () => checkpoints.committed() });
  const checkpoints = createCheckpoints({
    writer,
    group,
    pages: of,
    thread: {
      ask: (question) => {
        if ('checkpoint' in question) asked.push(question.checkpoint);
        return (ask ?? thread.ask)(question);
      },
    },
  });
  ends.push(async () => {
    checkpoints.end();
    await thread.giveUp();
    reader.close();
    writer.close();
  });
  const insert = writer.prepare('insert into filler values (zeroblob(?))');
  return {
    asked,
    thread,
    async write() {
      const member = await group.begin();
      insert.run(pagesEach * 4_096);
      await member.commit();
    },
    log: () => (writer.pragma('wal_checkpoint(NOOP)') as { log: number; checkpointed: number }[])[0],
  };
}

/** Writes without a pause, each writer one transaction after another. @returns the most pages that the log had */
async function writeOn(writers: readonly Writing[], transactions: number): Promise<number> {
  let most = 0;
  await Promise.all(
    writers.map(async (writing) => {
      for (let n = 0; n < transactions; n++) {
        await writing.write();
        most = Math.max(most, writing.log()?.log ?? 0);
      }
    }),
  );
  return most;
}

/** Writes until the log has begun anew. */
async function writeUntilAnew(writing: Writing): Promise<void> {
  for (let before = 0, now = 0; now >= before; now = writing.log()?.log ?? 0) {
    before = now;
    await writing.write();
  }
}

describe('the log of writes', () => {
  test('is brought over in the thread, and begins anew', async () => {
    const writing = open(withoutLastResort);
    await writeUntilAnew(writing);
    expect(writing.asked.slice(0, 2)).toEqual(['PASSIVE', 'FULL']);
    await writeUntilAnew(writing);
  });

  test('stays small among writers of several processes who never pause', async () => {
    const most = await writeOn([open(pages), open(pages)], 500);
    expect(most).toBeLessThan(4 * pages.lastResort);
  });

  test('is left to SQLite where the thread fails', async () => {
    const writing = open(pages, async () => {
      throw new Error('no thread');
    });
    const most = await writeOn([writing], 300);
    expect(writing.asked.length).toBeGreaterThan(1);
    expect(most).toBeGreaterThan(pages.enough * 2);
    expect(most).toBeLessThan(pages.lastResort + 2 * pagesEach);
  });

  test('is brought over by the next thread once one ended', async () => {
    const writing = open(withoutLastResort);
    await writeUntilAnew(writing);
    await writing.thread.giveUp();
    await writeUntilAnew(writing);
  });

  test('keeps nobody from writing while somebody reads what is older', async () => {
    const writing = open(withoutLastResort);
    await writeOn([writing], 2);
    const reading = new Sqlite(path, { readonly: true });
    ends.push(() => reading.close());
    reading.exec('begin');
    reading.prepare('select count(*) from filler').get();
    await writeOn([writing], 60);
    expect(writing.asked.length).toBeGreaterThan(0);
    expect(writing.asked).not.toContain('FULL');
    reading.exec('commit');
    await writeUntilAnew(writing);
    expect(writing.asked).toContain('FULL');
  });
});

test('a database that is closed in the middle of it has everything', async () => {
  const insert = async (store: Store, key: string) => {
    await store.db.insertInto('counters').values({ key, points: 1, expires_at: 1 }).execute();
  };
  const store = await openDatabase(fresh.url);
  await store.db.schema
    .createTable('counters')
    .addColumn('key', 'text')
    .addColumn('points', 'integer')
    .addColumn('expires_at', 'integer')
    .execute();
  const page = 'x'.repeat(200_000);
  for (let n = 0; n < 100; n++) await insert(store, `${n}${page}`);
  await store.close();
  const again = await openDatabase(fresh.url);
  const rows = await again.db.selectFrom('counters').select('key').execute();
  await again.close();
  expect(rows).toHaveLength(100);
});
