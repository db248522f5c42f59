/**
 * PostgreSQL's connections for requests that do not wait for ever. Owns how one is had; what becomes of one whose statement takes too long
 * is `patient-connection.ts`'s.
 */
import type { PostgresPool } from 'kysely';
import type pg from 'pg';
import { createNumberReader, type NumberReader, type NumberStatementText } from './number-reader.ts';
import type { Patience } from './patience.ts';
import { createPatientConnection, type PatientConnection, type Statement } from './patient-connection.ts';

export interface PatientPool extends PostgresPool {
  connect(): Promise<PatientConnection>;
  /** Runs one statement on any connection. */
  query<Row extends object>(statement: Statement): Promise<{ rows: Row[] }>;
  /** Those who wait for a connection. */
  readonly waitingCount: number;
  /** Reads one number again and again, at the least that it can cost. */
  numberReader(number: NumberStatementText): NumberReader;
}

/** @param giveUpMilliseconds when a connection is closed though its statement has not ended */
export function createPatientPool(
  pool: pg.Pool,
  patience: Patience,
  giveUpMilliseconds: number,
): PatientPool {
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
    const connection = known.get(client) ?? createPatientConnection(client, patience, giveUpMilliseconds);
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
    numberReader: (number) => createNumberReader({ connect, patience, giveUpMilliseconds }, number),
    get waitingCount() {
      return pool.waitingCount;
    },
    async end() {
      if (!pool.ending) await pool.end();
    },
  };
}
