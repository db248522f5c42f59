/**
 * Opens the database that a URL names. Owns connections, their settings and transactions;
 * does not own the tables (`schema.ts`) nor their history (`migrate.ts`).
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import type pg from 'pg';
import { createGroupCommit } from './group-commit.ts';
import type { Database } from './schema.ts';
import { createSqliteDialect, openSqliteHandles, type SqliteHandles } from './sqlite-dialect.ts';

/** How long PostgreSQL may take for a connection or a statement before the request is answered with 503. */
const postgresPatienceMilliseconds = 1_800;

/** An open database, the same to its users on either engine. */
export interface Store {
  readonly engine: 'sqlite' | 'postgres';
  readonly db: Kysely<Database>;
  /**
   * Runs the work in one transaction, durable when the promise resolves.
   * Nothing of it stays when the work throws; a transaction never spans a request to the outside.
   */
  transact<T>(work: (trx: Transaction<Database>) => Promise<T>): Promise<T>;
  /** SQLite's handles, for the paths that need a prepared statement of their own. */
  readonly sqlite: SqliteHandles | undefined;
  /** PostgreSQL's pool, likewise. */
  readonly pool: pg.Pool | undefined;
  /** Those who wait: for the one writer of SQLite, or for a connection to PostgreSQL. */
  waiting(): number;
  close(): Promise<void>;
}

/** The database is set up in a way that would lose what was acknowledged. */
export class UnsafeDatabaseError extends Error {
  override readonly name = 'UnsafeDatabaseError';
}

/**
 * Opens a database.
 * @param url `sqlite:PATH` or `postgres://…`
 * @param onError told of errors on connections beside any statement, which are no request's own
 * @throws UnsafeDatabaseError when PostgreSQL is set to `synchronous_commit=off`
 */
export async function openDatabase(url: string, onError: (error: Error) => void = () => {}): Promise<Store> {
  return url.startsWith('sqlite:') ? openSqlite(url.slice('sqlite:'.length)) : openPostgres(url, onError);
}

function openSqlite(path: string): Store {
  mkdirSync(dirname(path), { recursive: true });
  const sqlite = openSqliteHandles(path);
  const group = createGroupCommit(sqlite.writer);
  const db = new Kysely<Database>({ dialect: createSqliteDialect(sqlite, group) });
  return {
    engine: 'sqlite',
    db,
    sqlite,
    pool: undefined,
    waiting: () => group.waiting,
    transact: transactOn(db),
    async close() {
      await db.destroy();
      // Kysely destroys nothing that it has not used.
      sqlite.reader.close();
      sqlite.writer.close();
    },
  };
}

async function openPostgres(url: string, onError: (error: Error) => void): Promise<Store> {
  // Loaded where it is used: an embedded server does without its memory.
  const { default: pg } = await import('pg');
  // Instants and counters are bigint columns that fit in a double; both engines answer numbers.
  pg.types.setTypeParser(pg.types.builtins.INT8, Number);
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: postgresPatienceMilliseconds,
    query_timeout: postgresPatienceMilliseconds,
    statement_timeout: postgresPatienceMilliseconds,
    application_name: 'mandate',
    keepAlive: true,
  });
  pool.on('error', onError);
  // The pool listens to idle connections only: one that breaks between two statements of its user would end the process.
  pool.on('connect', (client) => void client.on('error', onError));
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  try {
    const { rows } = await pool.query<{ synchronous_commit: string }>('SHOW synchronous_commit');
    if (rows[0]?.synchronous_commit === 'off') {
      throw new UnsafeDatabaseError(
        'PostgreSQL has synchronous_commit=off: acknowledged changes could be lost',
      );
    }
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return {
    engine: 'postgres',
    db,
    sqlite: undefined,
    pool,
    waiting: () => pool.waitingCount,
    transact: transactOn(db),
    async close() {
      await db.destroy();
      if (!pool.ending) await pool.end();
    },
  };
}

function transactOn(db: Kysely<Database>): Store['transact'] {
  return (work) => db.transaction().execute(work);
}
