/**
 * A Kysely dialect for better-sqlite3 that keeps statements prepared and never waits on the thread that answers.
 *
 * Two handles on one file: reads run on one and always see what is committed; transactions and single writes take
 * turns on the other. While another process holds the write lock, a writer here sleeps between attempts instead of
 * blocking the event loop in SQLite's busy handler.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';

/** How long a writer waits for another process's write lock before it gives up. */
const writeLockMilliseconds = 5_000;
/** Statements kept prepared on each handle; the least recently used one goes first. */
const statementCacheSize = 500;

/** The two handles of one file. */
export interface SqliteHandles {
  readonly reader: Sqlite.Database;
  readonly writer: Sqlite.Database;
}

/**
 * Opens the file twice with the settings that durability depends on: WAL, and `synchronous=FULL` set explicitly
 * because the package's build would make it NORMAL under WAL.
 * @param path the database file; made when absent
 */
export function openSqliteHandles(path: string): SqliteHandles {
  const writer = new Sqlite(path, { timeout: 2_000 });
  writer.pragma('journal_mode = WAL');
  writer.pragma('synchronous = FULL');
  writer.pragma('foreign_keys = ON');
  const reader = new Sqlite(path, { timeout: 2_000 });
  reader.pragma('query_only = ON');
  // Setting up may wait for a moment; from here on, waiting is done asynchronously.
  writer.pragma('busy_timeout = 0');
  return { reader, writer };
}

/** Creates the dialect over handles that the caller opened. Closing the Kysely instance closes both. */
export function createSqliteDialect(handles: SqliteHandles): Dialect {
  return {
    // SQLite's DDL is transactional, whatever Kysely says of it: nodes that migrate at once wait for each other's commit.
    createAdapter: () => Object.create(new SqliteAdapter(), { supportsTransactionalDdl: { value: true } }),
    createDriver: () => createDriver(handles),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

interface Connection extends DatabaseConnection {
  /** Set while this connection holds the write turn. */
  release: (() => void) | undefined;
}

function createDriver({ reader, writer }: SqliteHandles): Driver {
  const readerStatements = createStatementCache(reader);
  const writerStatements = createStatementCache(writer);
  const turns = createTurns();

  const run = (statement: Sqlite.Statement, parameters: readonly unknown[]): QueryResult<never> => {
    if (statement.reader) return { rows: statement.all(...parameters) as never[] };
    const { changes, lastInsertRowid } = statement.run(...parameters);
    return { numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid), rows: [] };
  };

  const createConnection = (): Connection => ({
    release: undefined,
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      if (this.release) return run(writerStatements(sql), parameters);
      const statement = readerStatements(sql);
      if (statement.readonly) return run(statement, parameters);
      const release = await turns.take();
      try {
        return await whenUnlocked(() => run(writerStatements(sql), parameters));
      } finally {
        release();
      }
    },
    // biome-ignore lint/correctness/useYield: a streamed query is not something that this schema needs
    async *streamQuery() {
      throw new Error('streaming is not supported on SQLite');
    },
  });

  return {
    async init() {},
    async acquireConnection() {
      return createConnection();
    },
    async releaseConnection() {},
    async beginTransaction(connection) {
      const release = await turns.take();
      try {
        await whenUnlocked(() => writer.exec('BEGIN IMMEDIATE'));
      } catch (error) {
        release();
        throw error;
      }
      (connection as Connection).release = release;
    },
    async commitTransaction(connection) {
      writer.exec('COMMIT');
      endTurn(connection as Connection);
    },
    async rollbackTransaction(connection) {
      try {
        // SQLite itself has already rolled back after a full disk or an I/O error.
        if (writer.inTransaction) writer.exec('ROLLBACK');
      } finally {
        endTurn(connection as Connection);
      }
    },
    async savepoint(connection, name) {
      await connection.executeQuery(CompiledQuery.raw(`SAVEPOINT "${name}"`));
    },
    async rollbackToSavepoint(connection, name) {
      await connection.executeQuery(CompiledQuery.raw(`ROLLBACK TO "${name}"`));
    },
    async releaseSavepoint(connection, name) {
      await connection.executeQuery(CompiledQuery.raw(`RELEASE "${name}"`));
    },
    async destroy() {
      reader.close();
      writer.close();
    },
  };
}

function endTurn(connection: Connection): void {
  const release = connection.release;
  connection.release = undefined;
  release?.();
}

/** Repeats an attempt that fails with SQLITE_BUSY, sleeping in between, until it works or the time is up. */
async function whenUnlocked<T>(attempt: () => T): Promise<T> {
  for (let waited = 0, pause = 1; ; waited += pause, pause = Math.min(pause * 2, 25)) {
    try {
      return attempt();
    } catch (error) {
      const busy = error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY');
      if (!busy || waited >= writeLockMilliseconds) throw error;
    }
    await sleep(pause);
  }
}

/** A queue of one: whoever takes a turn holds it until it calls what it was given. */
function createTurns() {
  let last: Promise<void> = Promise.resolve();
  return {
    async take(): Promise<() => void> {
      const before = last;
      const { promise, resolve } = Promise.withResolvers<void>();
      last = promise;
      await before;
      return resolve;
    },
  };
}

function createStatementCache(handle: Sqlite.Database): (sql: string) => Sqlite.Statement {
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
