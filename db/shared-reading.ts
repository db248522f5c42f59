/**
 * Lets readings of SQLite that follow one another without a pause share one read transaction: beginning and ending one takes and gives
 * back a lock of the file, two system calls for each reading that would be one's own.
 */
import type Sqlite from 'better-sqlite3';

export interface SharedReading {
  /**
   * Runs work in which readings share a transaction, which sees everything that was committed before the first of them. What the work
   * begins and leaves for later reads on its own again.
   */
  during(work: () => void): void;
  /** To be called before a reading that may share; begins the transaction when it is the first. Does nothing outside of `during`. */
  join(): void;
}

/** @param reader on which nothing begins a transaction but this */
export function createSharedReading(reader: Sqlite.Database): SharedReading {
  const begin = reader.prepare('begin');
  const end = reader.prepare('commit');
  let isShared = false;
  return {
    during(work) {
      isShared = true;
      try {
        work();
      } finally {
        isShared = false;
        if (reader.inTransaction) end.run();
      }
    },
    join() {
      if (isShared && !reader.inTransaction) begin.run();
    },
  };
}
