/**
 * A connection to PostgreSQL for requests that do not wait for ever. Owns what becomes of it when nobody waits for its statement any
 * more: it is kept until that has ended, so that there are never more statements under way than connections, and then closed.
 */
import type { PostgresPoolClient } from 'kysely';
import type pg from 'pg';
import { LateDatabaseError, type Patience } from './patience.ts';

export interface Statement {
  /** Prepared once on a connection when it has one. */
  readonly name?: string;
  readonly text: string;
  readonly values?: unknown[];
}

export type PatientConnection = PostgresPoolClient & {
  query<Row extends object>(statement: Statement): Promise<pg.QueryResult<Row>>;
  /** Runs a statement of another kind, as pg's cursors are; who made it watches how long it takes. Nothing may be under way. */
  submit(statement: pg.Submittable): void;
  once(event: 'error', listener: (error: Error) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
};

/** @param giveUpMilliseconds when it is closed though a statement has not ended */
export function createPatientConnection(
  client: pg.PoolClient,
  patience: Patience,
  giveUpMilliseconds: number,
): PatientConnection {
  /** A statement that nobody waits for; nothing can be asked behind it. */
  let late: Promise<unknown> | undefined;
  let broken = false;
  const query = async (given: string | Statement, parameters?: ReadonlyArray<unknown>) => {
    if (late !== undefined) throw new LateDatabaseError();
    let answering: Promise<pg.QueryResult> | undefined;
    try {
      return await patience.wait(() => {
        // For each and not for all of the pool's, since what is submitted is watched by its maker, without a timer of its own.
        const statement: pg.QueryConfig & { query_timeout: number } = {
          ...(typeof given === 'string' ? { text: given, values: parameters as unknown[] } : given),
          query_timeout: giveUpMilliseconds,
        };
        answering = client.query(statement);
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
    submit: (statement) => void client.query(statement),
    release(destroy = false) {
      if (late !== undefined) void late.then(() => client.release(true));
      else client.release(destroy || broken);
    },
    once: (event, listener) => client.once(event, listener),
    removeListener: (event, listener) => client.removeListener(event, listener),
  };
}
