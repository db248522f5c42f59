/** Opens SQLite's file with the settings that durability depends on, and keeps what was prepared on a handle. */
import Sqlite from 'better-sqlite3';
import { type BeforeCommits, createBeforeCommits } from './before-commits.ts';
import { createSharedReading, type SharedReading } from './shared-reading.ts';

/** Statements kept prepared on each handle; the least recently used one goes first. */
const statementCacheSize = 500;

/** The two handles of one file. */
export interface SqliteHandles {
  readonly reader: Sqlite.Database;
  readonly writer: Sqlite.Database;
  /** Of the reader. */
  readonly sharedReading: SharedReading;
  /** Of the writer. */
  readonly beforeCommits: BeforeCommits;
}

/**
 * Opens the file twice.
 * @param path the database file; made when absent
 */
export function openSqliteHandles(path: string): SqliteHandles {
  // Setting up may wait for a moment; from here on, waiting is done asynchronously.
  const writer = openWriter(path, 0);
  keepUndoInMemory(writer);
  const reader = new Sqlite(path, { timeout: 2_000 });
  reader.pragma('query_only = ON');
  return { reader, writer, sharedReading: createSharedReading(reader), beforeCommits: createBeforeCommits() };
}

/**
 * Opens a handle that writes: WAL, and `synchronous=FULL` set explicitly because the package's build would make it NORMAL under WAL.
 * @param lockMilliseconds for how long a statement waits, on the thread that it runs on, for a lock that somebody else has
 */
export function openWriter(path: string, lockMilliseconds: number): Sqlite.Database {
  const writer = new Sqlite(path, { timeout: 2_000 });
  writer.pragma('journal_mode = WAL');
  writer.pragma('synchronous = FULL');
  writer.pragma('foreign_keys = ON');
  writer.pragma(`busy_timeout = ${lockMilliseconds}`);
  return writer;
}

/**
 * Keeps what undoes a part of a transaction in memory. In a file, which SQLite would make for each group of transactions, it costs
 * as much as the writes themselves, and a full disk or a folder for temporary files that is missing would be one more way to fail.
 */
export function keepUndoInMemory(writer: Sqlite.Database): void {
  writer.pragma('temp_store = MEMORY');
}

/** Lets what is sorted spill into files again: an index on a large table is made of more than memory holds. */
export function spillToFiles(writer: Sqlite.Database): void {
  writer.pragma('temp_store = FILE');
}

/** Prepares each statement once for as long as it is used now and then. */
export function createStatementCache(handle: Sqlite.Database): (sql: string) => Sqlite.Statement {
  const statements = new Map<string, Sqlite.Statement>();
  return (sql) => {
    const known = statements.get(sql);
    if (known) {
      statements.delete(sql);
      statements.set(sql, known);
      return known;
    }
    const statement = handle.prepare(sql);
    // PRAGMA and DDL statements are run once; keeping them would only push useful ones out.
    if (/^\s*(select|insert|update|delete|with)\b/i.test(sql)) {
      statements.set(sql, statement);
      if (statements.size > statementCacheSize) statements.delete(statements.keys().next().value as string);
    }
    return statement;
  };
}
