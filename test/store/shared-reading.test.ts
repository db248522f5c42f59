/** Readings of SQLite that follow one another share a transaction, and nothing else does. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Statement } from 'better-sqlite3';
import { openSqliteHandles, type SqliteHandles } from '../../db/sqlite-handles.ts';
import { type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';

let fresh: FreshDatabase;
let handles: SqliteHandles;
let count: Statement<[], number>;

beforeEach(async () => {
  fresh = await freshDatabaseUrl('sqlite');
  handles = openSqliteHandles(fresh.url.slice('sqlite:'.length));
  handles.writer.exec('create table marks (n integer)');
  count = handles.reader.prepare<[], number>('select count(*) from marks').pluck();
});
afterEach(async () => {
  handles.reader.close();
  handles.writer.close();
  await fresh.drop();
});

const mark = () => handles.writer.prepare('insert into marks values (1)').run();
/** Reads as whoever may share does. */
const read = () => {
  handles.sharedReading.join();
  return count.get();
};

describe('readings that share', () => {
  test('are all of the moment of the first, and the next that share see what was committed since', () => {
    const seen: unknown[] = [];
    handles.sharedReading.during(() => {
      mark();
      seen.push(read());
      mark();
      seen.push(read());
    });
    handles.sharedReading.during(() => seen.push(read()));
    expect(seen).toEqual([1, 1, 2]);
  });

  test('are on their own outside of it', () => {
    mark();
    expect(read()).toBe(1);
    expect(handles.reader.inTransaction).toBe(false);
    mark();
    expect(read()).toBe(2);
  });

  test('begin nothing where nothing is read', () => {
    handles.sharedReading.during(() => expect(handles.reader.inTransaction).toBe(false));
    expect(handles.reader.inTransaction).toBe(false);
  });

  test('end with work that fails', () => {
    const failing = () =>
      handles.sharedReading.during(() => {
        read();
        throw new Error('of the work');
      });
    expect(failing).toThrow('of the work');
    expect(handles.reader.inTransaction).toBe(false);
    mark();
    expect(read()).toBe(1);
  });
});

test('what was read together keeps no checkpoint from its end', () => {
  handles.sharedReading.during(() => read());
  mark();
  const [checkpoint] = handles.writer.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
  expect(checkpoint).toMatchObject({ busy: 0 });
});
