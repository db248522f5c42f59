/**
 * The thread that large writes to SQLite are done in: it runs one statement after another on a handle of its own, and what its
 * commits make of the log of writes holds up nobody who answers. It brings the log into the file for everybody else too.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { LostTransactionError } from './group-commit.ts';
import { createStatementCache, openWriter } from './sqlite-handles.ts';

export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/**
 * `PASSIVE` brings over what it can while others write; `FULL` keeps them from it, so that nothing is left and the log begins anew
 * with the next write. Neither waits for a reader.
 */
export interface Checkpoint {
  readonly checkpoint: 'PASSIVE' | 'FULL';
}

export type StatementAnswer =
  | { readonly rows: readonly unknown[]; readonly changes: number }
  /** By its parts: an error's code does not come through to another thread. */
  | { readonly failure: { readonly message: string; readonly code: string | undefined } };

/** Another process may have the lock; this thread may wait for it. */
const lockMilliseconds = 5_000;
/** Somebody who waits for their turn waits for a checkpoint as well: the lock comes soon, or the next checkpoint has it. */
const checkpointMilliseconds = 50;

if (!parentPort) throw new Error('this runs in a thread of its own');
const port = parentPort;
const { path } = workerData as { path: string };
const handle = openWriter(path, lockMilliseconds);
const statements = createStatementCache(handle);
port.on('message', (asked: Statement | Checkpoint) => port.postMessage(answerTo(asked)));

function answerTo(asked: Statement | Checkpoint): StatementAnswer {
  try {
    if ('checkpoint' in asked) return { rows: checkpoint(asked.checkpoint), changes: 0 };
    const { sql, parameters } = asked;
    // SQLite undoes all of it by itself when the disk is full: nothing of the rest may stand alone.
    if (sql !== 'BEGIN IMMEDIATE' && !handle.inTransaction) throw new LostTransactionError();
    const statement = statements(sql);
    if (statement.reader) return { rows: statement.all(...parameters), changes: 0 };
    return { rows: [], changes: statement.run(...parameters).changes };
  } catch (error) {
    const { message, code } = error as { message: string; code?: string };
    return { failure: { message, code } };
  }
}

function checkpoint(mode: Checkpoint['checkpoint']): readonly unknown[] {
  handle.pragma(`busy_timeout = ${checkpointMilliseconds}`);
  try {
    return handle.pragma(`wal_checkpoint(${mode})`) as unknown[];
  } finally {
    handle.pragma(`busy_timeout = ${lockMilliseconds}`);
  }
}
