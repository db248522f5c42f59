/**
 * A connection of the pool that is kept while statements follow one another closely: taking one and giving it back costs as much as
 * a small statement. It goes back once it is quiet, and is given up when anything fails on it.
 */
import type { Store } from '../../db/open.ts';

type Pool = NonNullable<Store['pool']>;
/** What is needed of a connection that the pool hands out. */
interface PoolConnection extends KeptConnection {
  release(broken: boolean): void;
  once(event: 'error', listener: () => void): unknown;
  removeListener(event: 'error', listener: () => void): unknown;
}

export interface KeptConnection {
  /** Runs a named statement. One at a time. */
  query<Row extends object>(statement: Statement): Promise<{ rows: Row[] }>;
}

interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values?: unknown[];
}

/** A pool that is closed waits for this long at most. */
const quietMilliseconds = 50;

export function createKeptConnection(pool: Pool): KeptConnection {
  let kept: PoolConnection | undefined;
  let quiet: NodeJS.Timeout | undefined;
  let busy = false;

  const giveBack = (broken: boolean) => {
    const connection = kept;
    kept = undefined;
    connection?.removeListener('error', giveUp);
    connection?.release(broken);
  };
  /** Told by the connection itself too: one that broke between two statements is not asked again. */
  function giveUp(): void {
    giveBack(true);
  }
  const whenQuiet = () => {
    if (!busy) giveBack(false);
  };

  return {
    async query<Row extends object>(statement: Statement) {
      busy = true;
      try {
        if (!kept) {
          const connection: PoolConnection = await pool.connect();
          connection.once('error', giveUp);
          kept = connection;
        }
        return await kept.query<Row>(statement);
      } catch (error) {
        giveUp();
        throw error;
      } finally {
        busy = false;
        // The timer is one object for good: moving it costs less than making it anew.
        if (quiet) quiet.refresh();
        else quiet = setTimeout(whenQuiet, quietMilliseconds).unref();
      }
    },
  };
}
