/**
 * Transactions on SQLite that are too large for the thread that answers: a Kysely dialect whose statements run in a thread of their own
 * (`kept-thread.ts`). The write turn is `group-commit.ts`'s, so that everybody else's writes wait their turn as behind any
 * transaction, and for no longer than one of these takes.
 */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteIntrospector,
} from 'kysely';
import type { GroupCommit } from './group-commit.ts';
import type { KeptThread } from './kept-thread.ts';
import { createAdapter, createQueryCompiler } from './sqlite-dialect.ts';

/** Creates the dialect. */
export function createApartDialect(thread: KeptThread, group: Pick<GroupCommit, 'enter'>): Dialect {
  return {
    createAdapter,
    createDriver: () => createApartDriver(thread, group),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler,
  };
}

interface Connection extends DatabaseConnection {
  /** Set while this connection is in a transaction; ends the write turn. */
  leave: (() => void) | undefined;
}

function createApartDriver(thread: KeptThread, group: Pick<GroupCommit, 'enter'>): Driver {
  const createConnection = (): Connection => ({
    leave: undefined,
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      // Whoever has the turn is alone with the thread.
      if (!this.leave) throw new Error('what is done apart is done in a transaction');
      const { rows, changes } = await thread.ask({ sql, parameters });
      return { rows: rows as R[], numAffectedRows: BigInt(changes) };
    },
    // biome-ignore lint/correctness/useYield: a streamed query is not something that this schema needs
    async *streamQuery() {
      throw new Error('streaming is not supported on SQLite');
    },
  });
  const end = async (connection: Connection, sql: 'COMMIT' | 'ROLLBACK'): Promise<void> => {
    const { leave } = connection;
    // After a COMMIT that failed nothing is left to undo: the thread that it failed in was given up.
    if (!leave) return;
    connection.leave = undefined;
    try {
      await thread.ask({ sql, parameters: [] });
    } catch (error) {
      await thread.giveUp();
      if (sql === 'COMMIT') throw error;
    } finally {
      leave();
    }
  };

  return {
    async init() {},
    async acquireConnection() {
      return createConnection();
    },
    async releaseConnection() {},
    async beginTransaction(connection) {
      const leave = await group.enter();
      try {
        await thread.ask({ sql: 'BEGIN IMMEDIATE', parameters: [] });
        (connection as Connection).leave = leave;
      } catch (error) {
        await thread.giveUp();
        leave();
        throw error;
      }
    },
    commitTransaction: (connection) => end(connection as Connection, 'COMMIT'),
    rollbackTransaction: (connection) => end(connection as Connection, 'ROLLBACK'),
    async destroy() {},
  };
}
