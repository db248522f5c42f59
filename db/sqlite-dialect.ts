/**
 * A Kysely dialect for better-sqlite3 that keeps statements prepared and never waits on the thread that answers.
 *
 * Two handles on one file: reads run on one and always see what is committed; transactions and single writes take
 * turns on the other. While another process holds the write lock, a writer here sleeps between attempts instead of
 * blocking the event loop in SQLite's busy handler.
 */
import type Sqlite from 'better-sqlite3';
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
import type { GroupCommit, GroupMember } from './group-commit.ts';
import { createStatementCache, type SqliteHandles } from './sqlite-handles.ts';

/** Creates the dialect over handles that the caller opened. Closing the Kysely instance closes both. @param group over the writer */
export function createSqliteDialect(handles: SqliteHandles, group: GroupCommit): Dialect {
  return {
    createAdapter,
    createDriver: () => createDriver(handles, group),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler,
  };
}

/**
 * Corrects what Kysely's adapter says of SQLite. Its DDL is transactional: nodes that migrate at once wait for each other's commit.
 * And here it has more than one connection: a read that queued behind a writer would wait for another process's lock.
 */
export function createAdapter(): SqliteAdapter {
  return Object.create(new SqliteAdapter(), {
    supportsTransactionalDdl: { value: true },
    supportsMultipleConnections: { value: true },
  }) as SqliteAdapter;
}

/**
 * Writes parameters as `+?`, which means the same. SQLite is built with STAT4 here: a bare parameter that a plan looked at makes
 * it plan the statement again each time that another value is bound, three quarters of the cost of a small query.
 */
export function createQueryCompiler(): SqliteQueryCompiler {
  return Object.defineProperty(new SqliteQueryCompiler(), 'getCurrentParameterPlaceholder', {
    value: () => '+?',
  });
}

interface Connection extends DatabaseConnection {
  /** Set while this connection is in a transaction, which holds the write turn. */
  member: GroupMember | undefined;
}

function createDriver({ reader, writer }: SqliteHandles, group: GroupCommit): Driver {
  const readerStatements = createStatementCache(reader);
  const writerStatements = createStatementCache(writer);

  const run = (statement: Sqlite.Statement, parameters: readonly unknown[]): QueryResult<never> => {
    if (statement.reader) return { rows: statement.all(...parameters) as never[] };
    const { changes, lastInsertRowid } = statement.run(...parameters);
    return { numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid), rows: [] };
  };

  /** A write outside of a transaction is a transaction of its own, and shares its COMMIT likewise. */
  const runAlone = async (sql: string, parameters: readonly unknown[]): Promise<QueryResult<never>> => {
    const member = await group.begin();
    try {
      const result = run(writerStatements(sql), parameters);
      await member.commit();
      return result;
    } catch (error) {
      await member.rollback();
      throw error;
    }
  };

  const createConnection = (): Connection => ({
    member: undefined,
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      if (this.member) {
        this.member.assertOpen();
        return run(writerStatements(sql), parameters);
      }
      const statement = readerStatements(sql);
      return statement.readonly ? run(statement, parameters) : runAlone(sql, parameters);
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
      (connection as Connection).member = await group.begin();
    },
    async commitTransaction(connection) {
      await takeMember(connection)?.commit();
    },
    async rollbackTransaction(connection) {
      // Nothing is left to undo after a COMMIT that failed.
      await takeMember(connection)?.rollback();
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
      group.finish();
      reader.close();
      writer.close();
    },
  };
}

/** Ends the connection's part in a transaction. */
function takeMember(connection: DatabaseConnection): GroupMember | undefined {
  const { member } = connection as Connection;
  (connection as Connection).member = undefined;
  return member;
}
