/**
 * Reads one number of PostgreSQL's again and again, on a connection that is kept while reads follow one another closely: taking one and
 * giving it back costs more than such a read. Owns the connection, and for how long a read is waited for; it goes back once it is
 * quiet, and is given up when anything fails on it.
 *
 * The first read on a connection is an ordinary one, which prepares the statement; those that follow are as short as they can be
 * (`number-statement.ts`): no promise, no timer and no description of what comes for any of them.
 */
import { monotonicMilliseconds } from '../src/clock.ts';
import { createNumberStatement, exactNumber, type NumberStatement } from './number-statement.ts';
import { LateDatabaseError, type Patience } from './patience.ts';
import type { PatientConnection, Statement } from './patient-connection.ts';

type Done = (failure: unknown, n: number) => void;

export interface NumberReader {
  /**
   * Reads the number. One read at a time, and none while `query` runs.
   * @param came monotonic milliseconds at which whoever has waited longest for it began to: nobody waits longer than a request may
   * @param done called once, later, with why it could not be read or with the number; runs in whatever context the connection was made
   */
  read(came: number, done: Done): void;
  /** Runs a named statement on the same connection. */
  query<Row extends object>(statement: Statement): Promise<{ rows: Row[] }>;
}

interface NumberReaderDependencies {
  connect(): Promise<PatientConnection>;
  readonly patience: Patience;
  /** When a connection is closed though its statement has not ended. */
  readonly giveUpMilliseconds: number;
}

/** Selects an integer, alone in its row. */
export type NumberStatementText = { readonly name: string; readonly text: string };

interface Kept {
  readonly connection: PatientConnection;
  readonly statement: NumberStatement;
  /** Ends its use. Nothing happens the second time. */
  release(broken: boolean): void;
}

/** How often is looked whether it is still wanted, and whether a read takes too long. A pool that is closed waits for two of these. */
const lookMilliseconds = 50;
/** PostgreSQL says that the prepared statement is not there: whatever stands in between gave another of its connections. */
const notPrepared = '26000';

export function createNumberReader(
  { connect, patience, giveUpMilliseconds }: NumberReaderDependencies,
  number: NumberStatementText,
): NumberReader {
  let kept: Kept | undefined;
  let waiting: Done | undefined;
  let came = 0;
  let used = false;
  let querying = false;
  let looking = false;

  function settle(failure: unknown, n: number): void {
    const done = waiting;
    waiting = undefined;
    done?.(failure, n);
  }

  function keep(connection: PatientConnection): Kept {
    let released = false;
    const release = (broken: boolean) => {
      if (kept === one) kept = undefined;
      if (released) return;
      released = true;
      connection.removeListener('error', broke);
      connection.release(broken);
    };
    const ended = (failure: unknown, n: number) => {
      // Nobody waits for a read that came too late, and an ordinary statement says by itself that it failed.
      const wanted = kept === one && !querying;
      if (failure === undefined && wanted) {
        settle(undefined, n);
        return;
      }
      release(true);
      if (!wanted || !waiting) return;
      if ((failure as { code?: unknown }).code === notPrepared) void readOrdinarily();
      else settle(failure, n);
    };
    /** Told by the connection itself: one that broke between two statements is not asked again. */
    const broke = (error: Error) => ended(error, Number.NaN);
    const one: Kept = { connection, statement: createNumberStatement(number.name, ended), release };
    connection.once('error', broke);
    return one;
  }

  async function take(): Promise<Kept> {
    const one = keep(await connect());
    kept = one;
    if (!looking) lookAfter(lookMilliseconds);
    return one;
  }

  async function query<Row extends object>(statement: Statement): Promise<{ rows: Row[] }> {
    querying = true;
    let one = kept;
    try {
      one ??= await take();
      return await one.connection.query<Row>(statement);
    } catch (error) {
      one?.release(true);
      throw error;
    } finally {
      querying = false;
      used = true;
    }
  }

  async function readOrdinarily(): Promise<void> {
    try {
      const waited = monotonicMilliseconds() - came;
      const { rows } = await patience.within(() => query(number), { waited });
      settle(undefined, exactNumber(number.name, rows.map(Object.values)));
    } catch (error) {
      // That connection is closed, so this comes to an end with those of the pool.
      if ((error as { code?: unknown }).code === notPrepared) await readOrdinarily();
      else settle(error, Number.NaN);
    }
  }

  function lookAfter(milliseconds: number): void {
    looking = true;
    setTimeout(look, milliseconds).unref();
  }

  function look(): void {
    looking = false;
    if (!kept) return;
    let next = lookMilliseconds;
    if (waiting && !querying) {
      const left = came + patience.limitMilliseconds - monotonicMilliseconds();
      if (left <= 0) {
        giveUp(kept);
        return;
      }
      next = Math.min(next, left);
    } else if (!used && !querying) {
      kept.release(false);
      return;
    }
    used = false;
    lookAfter(next);
  }

  /** The connection is closed when its read has ended: there are never more statements under way than connections. */
  function giveUp({ release }: Kept): void {
    kept = undefined;
    setTimeout(release, giveUpMilliseconds - patience.limitMilliseconds, true).unref();
    settle(new LateDatabaseError(), Number.NaN);
  }

  return {
    read(since, done) {
      waiting = done;
      came = since;
      used = true;
      if (kept) kept.connection.submit(kept.statement);
      else void readOrdinarily();
    },
    query,
  };
}
