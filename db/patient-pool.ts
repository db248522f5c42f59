/**
 * PostgreSQL's connections for requests that do not wait for ever. Owns what becomes of a connection whose statement nobody waits for any
 * more: it is kept until that has ended, so that there are never more statements under way than connections, and then closed.
 */
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type pg from 'pg';
import { LateDatabaseError, type Patience } from './patience.ts';

interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values?: unknown[];
}

type PatientConnection = PostgresPoolClient & {
  query<Row extends object>(statement: Statement): Promise<pg.QueryResult<Row>>;
  once(event: 'error', listener: () => void): unknown;
  removeListener(event: 'error', listener: () => void): unknown;
};

export interface PatientPool extends PostgresPool {
  connect(): Promise<PatientConnection>;
  /** Runs one statement on any connection. */
  query<Row extends object>(statement: Statement): Promise<{ rows: Row[] }>;
  /** Those who wait for a connection. */
  readonly waitingCount: number;
}

export function createPatientPool(pool: pg.Pool, patience: Patience): PatientPool {
  const known = new WeakMap<pg.PoolClient, PatientConnection>();
  const connect = async (): Promise<PatientConnection> => {
    let taking: Promise<pg.PoolClient> | undefined;
    let client: pg.PoolClient;
    try {
      client = await patience.wait(() => {
        taking = pool.connect();
        return taking;
      });
    } catch (error) {
      // One that comes after all goes back.
      taking?.then(
        (unwanted) => unwanted.release(),
        () => {},
      );
      throw error;
    }
    const connection = known.get(client) ?? patientConnection(client, patience);
    known.set(client, connection);
    return connection;
  };
  return {
    options: pool.options,
    connect,
    async query<Row extends object>(statement: Statement) {
      const connection = await connect();
      try {
        return await connection.query<Row>(statement);
      } finally {
        connection.release();
      }
    },
    get waitingCount() {
      return pool.waitingCount;
    },
    async end() {
      if (!pool.ending) await pool.end();
    },
  };
}

function patientConnection(client: pg.PoolClient, patience: Patience): PatientConnection {
  /** A statement that nobody waits for; nothing can be asked behind it. */
  let late: Promise<unknown> | undefined;
  let broken = false;
  const query = async (given: string | Statement, parameters?: ReadonlyArray<unknown>) => {
    if (late !== undefined) throw new LateDatabaseError();
    let answering: Promise<pg.QueryResult> | undefined;
    try {
      return await patience.wait(() => {
        answering = client.query(given as string, parameters as unknown[]);
        return answering;
      });
    } catch (error) {
      if (error instanceof LateDatabaseError) late = answering?.catch(() => {});
      // The driver gave up on it, and would let the next statement wait behind it.
      else if (error instanceof Error && error.message === 'Query read timeout') broken = true;
      throw error;
    }
  };
  return {
    query: query as PatientConnection['query'],
    release(destroy = false) {
      if (late !== undefined) void late.then(() => client.release(true));
      else client.release(destroy || broken);
    },
    once: (event, listener) => client.once(event, listener),
    removeListener: (event, listener) => client.removeListener(event, listener),
  };
}
