/**
 * Proves that this node knows of every change that was acknowledged before now. Owns the reading of the counter and of the
 * log; does not own what follows from a change (`change-ledger.ts`).
 *
 * A proof is a read that begins after the question has arrived, so it sees every commit that was acknowledged before the
 * question was asked. All questions that are waiting when a read begins share it. When it cannot be made, there is no proof.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Store } from '../../db/open.ts';
import { monotonicMilliseconds } from '../clock.ts';
import type { ChangeLedger } from './change-ledger.ts';

export interface Freshness {
  /**
   * Brings the ledger up to everything that was committed before this call.
   * @param done called in a later turn of the event loop, with the reason when it could not be proved, and with the milliseconds
   *   that the longest waiting of those who share the read has waited; must not throw
   */
  prove(done: Proved): void;
  /**
   * Does now, on SQLite, what it would do when this turn of the event loop ends: for whoever is about to keep the thread. It is also done
   * before each COMMIT.
   */
  hurry(): void;
  /** The number of the last change that is known; below zero before the first proof. */
  known(): number;
}

type Proved = (failure?: unknown, waitedMilliseconds?: number) => void;
type NumberReader = ReturnType<NonNullable<Store['pool']>['numberReader']>;
type ChangedRow = { subject: string; subject_id: string };

/** A node that was away for longer than this many changes starts anew instead of reading them. */
const mostChangesRead = 5_000;
/** Reads of the counter that may be under way on PostgreSQL. */
const mostReads = 2;

const counterStatement = {
  name: 'change_counter',
  // change_counter by primary key
  text: 'select n from change_counter where id = 1',
};

/**
 * Creates the proof for either engine.
 * @param onRead told how many milliseconds each read of PostgreSQL took
 */
export function createFreshness({
  store,
  ledger,
  onRead = () => {},
}: {
  store: Store;
  ledger: ChangeLedger;
  onRead?: (milliseconds: number) => void;
}): Freshness {
  return store.pool ? onPostgres(store.pool, store.within, ledger, onRead) : onSqlite(store, ledger);
}

/**
 * Moves the ledger from one value of the counter to another.
 * @param rows the changes in between, read after the counter; undefined when they were too many to read
 */
function noteChanges(
  ledger: ChangeLedger,
  from: number,
  to: number,
  rows: readonly ChangedRow[] | undefined,
): void {
  // A number without its row, because rows were cleared away or a backup was put back, leaves only one safe reading.
  if (rows?.length === to - from) ledger.note(rows);
  else ledger.forget();
}

/** Whether the changes between two values of the counter are to be read one by one. */
const readable = (from: number, to: number) => from >= 0 && to > from && to - from <= mostChangesRead;

/**
 * SQLite: `data_version` moves on this handle with every commit of any other one, in whatever process. Only then is the counter
 * read, and only when that moved, the changes. One look serves every question of an event-loop turn.
 * @see https://sqlite.org/pragma.html#pragma_data_version
 */
function onSqlite({ sqlite }: Store, ledger: ChangeLedger): Freshness {
  if (!sqlite) throw new Error('neither SQLite nor PostgreSQL');
  const { reader, sharedReading, beforeCommits } = sqlite;
  const dataVersion = reader.prepare('PRAGMA data_version').pluck();
  // change_counter by primary key
  const count = reader.prepare('select n from change_counter where id = 1').pluck();
  // changes by primary key
  const between = reader.prepare(
    'select subject, subject_id from changes where seq > ? and seq <= ? order by seq',
  );
  let version: unknown;
  let counter = -1;
  let waiting: Proved[] = [];

  function look(): void {
    const seen = dataVersion.get();
    if (seen === version) return;
    const n = count.get() as number;
    if (n !== counter) {
      const rows = readable(counter, n) ? (between.all(counter, n) as ChangedRow[]) : undefined;
      noteChanges(ledger, counter, n, rows);
      counter = n;
    }
    version = seen;
  }

  function answerAll(): void {
    const due = waiting;
    waiting = [];
    let failure: unknown;
    try {
      look();
    } catch (error) {
      failure = error;
    }
    sharedReading.during(() => {
      for (const done of due) done(failure);
    });
  }

  // Whoever is about to keep the thread has not asked.
  const inNobodysContext = AsyncLocalStorage.snapshot();
  const hurry = () => {
    if (waiting.length > 0) inNobodysContext(answerAll);
  };
  beforeCommits.add(hurry);
  return {
    prove(done) {
      if (waiting.push(done) === 1) setImmediate(answerAll);
    },
    hurry,
    known: () => counter,
  };
}

/**
 * PostgreSQL: the counter's row is read for all questions that have come by then. Two reads may be under way, so that the node is not
 * idle while it waits; which of them ends first does not matter.
 */
function onPostgres(
  pool: NonNullable<Store['pool']>,
  within: Store['within'],
  ledger: ChangeLedger,
  onRead: (milliseconds: number) => void,
): Freshness {
  // What waits was not asked by whoever made the connection that brings the answer, nor is it part of that request.
  const inNobodysContext = AsyncLocalStorage.snapshot();
  const free = Array.from({ length: mostReads }, createRead);
  let counter = -1;
  let waiting: Proved[] = [];
  /** When the first of those who wait came. */
  let since = 0;
  let scheduled = false;

  /** One of the reads that may be under way, made once and used again. */
  function createRead() {
    const reader = pool.numberReader(counterStatement);
    let due: Proved[] = [];
    let came = 0;
    let begun = 0;
    let before = 0;

    function begin(): void {
      scheduled = false;
      due = waiting;
      waiting = [];
      came = since;
      begun = monotonicMilliseconds();
      before = counter;
      reader.read(came, read);
    }
    function read(failure: unknown, n: number): void {
      if (failure !== undefined || (before <= n && n <= counter)) inNobodysContext(end, failure);
      else void catchUp(n);
    }
    async function catchUp(n: number): Promise<void> {
      let failure: unknown;
      try {
        await within(() => follow(reader, before, n), { waited: monotonicMilliseconds() - came });
      } catch (error) {
        failure = error;
      }
      inNobodysContext(end, failure);
    }
    function end(failure?: unknown): void {
      const now = monotonicMilliseconds();
      if (failure === undefined) onRead(now - begun);
      else {
        // Those who came meanwhile would wait for as long again, and find the same.
        due.push(...waiting);
        waiting = [];
      }
      const answered = due;
      due = [];
      free.push(begin);
      const waited = now - came;
      for (const done of answered) done(failure, waited);
      schedule();
    }
    return begin;
  }

  async function follow(reader: NumberReader, before: number, n: number): Promise<void> {
    if (n < before) {
      // It went back: this is another history than the one that was followed.
      counter = n;
      ledger.forget();
    }
    while (counter < n) {
      const from = counter;
      const changed = readable(from, n) ? await readChanges(reader, from, n) : undefined;
      // Another read was faster; what is left after it is read anew.
      if (counter !== from) continue;
      counter = n;
      noteChanges(ledger, from, n, changed?.rows);
    }
  }

  const readChanges = (reader: NumberReader, from: number, to: number) =>
    reader.query<ChangedRow>({
      name: 'changes_between',
      // changes by primary key
      text: 'select subject, subject_id from changes where seq > $1 and seq <= $2 order by seq',
      values: [from, to],
    });

  function schedule(): void {
    if (scheduled || waiting.length === 0) return;
    const begin = free.pop();
    if (!begin) return;
    scheduled = true;
    // Questions of the same turn of the event loop come along.
    setImmediate(inNobodysContext, begin);
  }

  return {
    prove(done) {
      if (waiting.push(done) === 1) since = monotonicMilliseconds();
      schedule();
    },
    // An answer of PostgreSQL's cannot be hurried.
    hurry() {},
    known: () => counter,
  };
}
