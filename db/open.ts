/**
 * Opens the database that a URL names. Owns connections, their settings and transactions;
 * does not own the tables (`schema.ts`) nor their history (`migrate.ts`).
 */
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import { createApartDialect } from './apart.ts';
import { createCheckpoints } from './checkpoints.ts';
import { createGroupCommit } from './group-commit.ts';
import { createKeptThread } from './kept-thread.ts';
import { createPatience, type Patience } from './patience.ts';
import { createPatientPool, type PatientPool } from './patient-pool.ts';
import { createRunTogether, type RunTogether } from './run-together.ts';
import type { Database } from './schema.ts';
import { createSqliteDialect } from './sqlite-dialect.ts';
import { openSqliteHandles, type SqliteHandles } from './sqlite-handles.ts';

/** How long a server waits for PostgreSQL: a request in all before it is answered with 503; what is no request's, for each step. */
export const serverPatienceMilliseconds = 1_800;
/** How long a command waits for each step: whoever runs it would rather wait than begin anew. */
const commandPatienceMilliseconds = 30_000;
/** PostgreSQL ends a statement by itself when patience ends, and its connection can be used again; one that is paused is closed this much later. */
const giveUpAfterMilliseconds = 500;

/** An open database, the same to its users on either engine. */
export interface Store {
  readonly engine: 'sqlite' | 'postgres';
  readonly db: Kysely<Database>;
  /**
   * Runs the work in one transaction, durable when the promise resolves.
   * Nothing of it stays when the work throws; a transaction never spans a request to the outside.
   */
  transact<T>(work: (trx: Transaction<Database>) => Promise<T>): Promise<T>;
  /**
   * The same for a step of something large, hundreds of rows: it holds nobody up who answers, on SQLite by running in a thread of its
   * own. Other writers wait while it runs, so it is over within a tenth of a second or so.
   */
  transactApart<T>(work: (trx: Transaction<Database>) => Promise<T>): Promise<T>;
  /** Runs statements that are all known beforehand as one transaction, on SQLite, where that costs less than `transact`. */
  readonly runTogether: RunTogether | undefined;
  /** SQLite's handles, for the paths that need a prepared statement of their own. */
  readonly sqlite: SqliteHandles | undefined;
  /** PostgreSQL's pool, likewise. */
  readonly pool: PatientPool | undefined;
  /** Runs the work of a request, which then waits for PostgreSQL for a short while in all; see `patience.ts`. */
  readonly within: Patience['within'];
  /** Waits for what other requests wait for too, on the running request's own budget; see `patience.ts`. */
  readonly wait: Patience['wait'];
  /** Those who wait: for the one writer of SQLite, or for a connection to PostgreSQL. */
  waiting(): number;
  close(): Promise<void>;
}

/** The database cannot be opened, or not be reached. */
export class DatabaseAwayError extends Error {
  override readonly name = 'DatabaseAwayError';
}

/** The database is set up in a way that would lose what was acknowledged. */
export class UnsafeDatabaseError extends Error {
  override readonly name = 'UnsafeDatabaseError';
}

export interface OpenOptions {
  /** Told of errors on connections beside any statement, which are no request's own. */
  readonly onError?: (error: Error) => void;
  /** How long PostgreSQL is waited for; a command's patience when left out. */
  readonly patienceMilliseconds?: number;
}

/**
 * Opens a database.
 * @param url `sqlite:PATH` or `postgres://…`
 * @throws DatabaseAwayError naming the file, or the host
 * @throws UnsafeDatabaseError when PostgreSQL is set to `synchronous_commit=off`
 */
export async function openDatabase(url: string, options: OpenOptions = {}): Promise<Store> {
  return url.startsWith('sqlite:') ? openSqlite(url.slice('sqlite:'.length)) : openPostgres(url, options);
}

function openSqlite(path: string): Store {
  const sqlite = openFile(path);
  const thread = createKeptThread(path);
  const group = createGroupCommit(sqlite.writer, {
    committing: sqlite.beforeCommits.run,
    committed: () => checkpoints.committed(),
  });
  const checkpoints = createCheckpoints({ writer: sqlite.writer, thread, group });
  const db = new Kysely<Database>({ dialect: createSqliteDialect(sqlite, group) });
  const apart = new Kysely<Database>({ dialect: createApartDialect(thread, group) });
  return {
    engine: 'sqlite',
    db,
    sqlite,
    pool: undefined,
    // Reads never wait, and writers of this process wait for each other for a moment.
    within: (work) => work(),
    wait: (ask) => ask(),
    waiting: () => group.waiting,
    transact: transactOn(db),
    transactApart: transactOn(apart),
    runTogether: createRunTogether(sqlite.writer, group),
    async close() {
      checkpoints.end();
      await apart.destroy();
      await thread.giveUp();
      await db.destroy();
      // Kysely destroys nothing that it has not used.
      sqlite.reader.close();
      sqlite.writer.close();
    },
  };
}

function openFile(path: string): SqliteHandles {
  try {
    mkdirSync(dirname(path), { recursive: true });
    // Passwords' hashes and encrypted keys are in it: a new one is nobody else's to read. What SQLite lays beside it is as the file is.
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
    return openSqliteHandles(path);
  } catch (cause) {
    throw new DatabaseAwayError(`the database ${path}: ${messageOf(cause)}`, { cause });
  }
}

async function openPostgres(
  url: string,
  { onError = () => {}, patienceMilliseconds = commandPatienceMilliseconds }: OpenOptions,
): Promise<Store> {
  // Loaded where it is used: an embedded server does without its memory.
  const { default: pg } = await import('pg');
  // Instants and counters are bigint columns that fit in a double; both engines answer numbers.
  pg.types.setTypeParser(pg.types.builtins.INT8, Number);
  const connections = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: patienceMilliseconds,
    statement_timeout: patienceMilliseconds,
    application_name: 'mandate',
    keepAlive: true,
  });
  connections.on('error', onError);
  // The pool listens to idle connections only: one that breaks between two statements of its user would end the process.
  connections.on('connect', (client) => void client.on('error', onError));
  const patience = createPatience(patienceMilliseconds);
  const pool = createPatientPool(connections, patience, patienceMilliseconds + giveUpAfterMilliseconds);
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  try {
    const { rows } = await pool.query<{ synchronous_commit: string }>({
      text: 'SHOW synchronous_commit',
    });
    if (rows[0]?.synchronous_commit === 'off') {
      throw new UnsafeDatabaseError(
        'PostgreSQL has synchronous_commit=off: acknowledged changes could be lost',
      );
    }
  } catch (error) {
    // Kysely ends nothing that it has not used.
    await pool.end();
    if (error instanceof UnsafeDatabaseError) throw error;
    throw new DatabaseAwayError(`the database at ${placeOf(url)}: ${messageOf(error)}`, { cause: error });
  }
  return {
    engine: 'postgres',
    db,
    runTogether: undefined,
    sqlite: undefined,
    pool,
    within: patience.within,
    wait: patience.wait,
    waiting: () => pool.waitingCount,
    transact: transactOn(db),
    // The database's own process does the work; however many steps a request takes, each may take as long as another request.
    transactApart: (work) => patience.within(() => transactOn(db)(work)),
    async close() {
      await db.destroy();
      await pool.end();
    },
  };
}

/** Names a server and its database; never who signs in there, nor how, also where a password was written without escaping it. */
function placeOf(url: string): string {
  const { host = '', pathname = '' } = URL.parse(url) ?? {};
  return host === '' || pathname.includes('@') ? 'DATABASE_URL' : `${host}${pathname}`;
}

/** A name that leads to several addresses fails with as many errors, and no message of its own. */
function messageOf(error: unknown): string {
  const { errors, message } = error as Partial<AggregateError>;
  return errors ? errors.map(messageOf).join(', ') : (message ?? String(error));
}

function transactOn(db: Kysely<Database>): Store['transact'] {
  return (work) => db.transaction().execute(work);
}
