/**
 * Transactions on SQLite that are too large for the thread that answers: a Kysely dialect whose statements run in a thread of their own
 * (`apart-thread.ts`). Owns that thread's life; the write turn is `group-commit.ts`'s, so that everybody else's writes
 * wait their turn as behind any transaction, and for no longer than one of these takes.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteIntrospector,
} from 'kysely';
import type { Statement, StatementAnswer } from './apart-thread.ts';
import type { GroupCommit } from './group-commit.ts';
import { createAdapter, createQueryCompiler } from './sqlite-dialect.ts';

/** A thread holds some ten megabytes, and takes some 50 ms to start. */
const idleMilliseconds = 30_000;

/** Creates the dialect; a thread is started with the first transaction, and gone when there was none for a while. */
export function createApartDialect(path: string, group: Pick<GroupCommit, 'enter'>): Dialect {
  return {
    createAdapter,
    createDriver: () => createApartDriver(path, group),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler,
  };
}

interface Connection extends DatabaseConnection {
  /** Set while this connection is in a transaction. */
  open: { readonly thread: ApartThread; readonly leave: () => void } | undefined;
}

function createApartDriver(path: string, group: Pick<GroupCommit, 'enter'>): Driver {
  let kept: ApartThread | undefined;
  let idle: NodeJS.Timeout | undefined;

  const take = (): ApartThread => {
    clearTimeout(idle);
    if (!kept || kept.hasEnded()) kept = startThread(path);
    return kept;
  };
  const giveUp = async () => {
    clearTimeout(idle);
    const thread = kept;
    kept = undefined;
    await thread?.end();
  };
  const createConnection = (): Connection => ({
    open: undefined,
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      // Whoever has the turn is alone with the thread.
      if (!this.open) throw new Error('what is done apart is done in a transaction');
      const { rows, changes } = await this.open.thread.run(sql, parameters);
      return { rows: rows as R[], numAffectedRows: BigInt(changes) };
    },
    // biome-ignore lint/correctness/useYield: a streamed query is not something that this schema needs
    async *streamQuery() {
      throw new Error('streaming is not supported on SQLite');
    },
  });
  const end = async (connection: Connection, sql: 'COMMIT' | 'ROLLBACK'): Promise<void> => {
    const { open } = connection;
    // After a COMMIT that failed nothing is left to undo: the thread that it failed in was given up.
    if (!open) return;
    connection.open = undefined;
    try {
      await open.thread.run(sql, []);
      idle = setTimeout(() => void giveUp(), idleMilliseconds).unref();
    } catch (error) {
      await giveUp();
      if (sql === 'COMMIT') throw error;
    } finally {
      open.leave();
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
        const thread = take();
        await thread.run('BEGIN IMMEDIATE', []);
        (connection as Connection).open = { thread, leave };
      } catch (error) {
        await giveUp();
        leave();
        throw error;
      }
    },
    commitTransaction: (connection) => end(connection as Connection, 'COMMIT'),
    rollbackTransaction: (connection) => end(connection as Connection, 'ROLLBACK'),
    destroy: giveUp,
  };
}

interface ApartThread {
  /** Runs one statement. @throws Error with SQLite's code, or when the thread ended */
  run(sql: string, parameters: readonly unknown[]): Promise<Exclude<StatementAnswer, { failure: unknown }>>;
  /** Ends the thread; its transaction, if there is one, is undone when this resolves. */
  end(): Promise<void>;
  hasEnded(): boolean;
}

function startThread(path: string): ApartThread {
  // The neighbour, as a source or as what was built of it.
  const file = new URL(`./apart-thread${extname(import.meta.url)}`, import.meta.url);
  // However this process was started: with a program of its own on the command line, a thread would not start.
  const worker = new Worker(file, { workerData: { path }, execArgv: [] });
  let ended: Error | undefined;
  let asked: PromiseWithResolvers<StatementAnswer> | undefined;
  const fail = (reason: unknown) => {
    ended ??= new ApartThreadError(reason);
    asked?.reject(ended);
  };
  worker.on('message', (answer: StatementAnswer) => asked?.resolve(answer));
  worker.on('error', fail).on('exit', fail);

  return {
    async run(sql, parameters) {
      if (ended) throw ended;
      asked = Promise.withResolvers<StatementAnswer>();
      worker.ref();
      worker.postMessage({ sql, parameters } satisfies Statement);
      const answer = await asked.promise;
      // It keeps nobody's process alive while it has nothing to do.
      worker.unref();
      if ('failure' in answer) {
        const { message, code } = answer.failure;
        throw Object.assign(new Error(message), code === undefined ? {} : { code });
      }
      return answer;
    },
    async end() {
      fail('nobody needs it');
      await worker.terminate();
    },
    hasEnded: () => ended !== undefined,
  };
}

/** The thread ended; what it had begun is undone by that. Sorted as an outage by its code. */
class ApartThreadError extends Error {
  override readonly name = 'ApartThreadError';
  readonly code = 'SQLITE_IOERR_THREAD';
  constructor(reason: unknown) {
    super('the thread for large writes ended', { cause: reason });
  }
}
