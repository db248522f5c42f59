/**
 * Lets SQLite transactions that meet share one COMMIT, and so one fsync. Owns the write turn and the shared transaction;
 * does not own the statements that run in it (`sqlite-dialect.ts`).
 *
 * Members take turns inside one BEGIN IMMEDIATE, each behind a savepoint of its own: one that fails is undone alone. The COMMIT
 * comes when the event loop has nobody else to add, and nobody is told anything before it is on disk: not those who
 * succeeded, and not those who were refused because of what another member had written.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type Sqlite from 'better-sqlite3';

/** How long a writer waits for another process's write lock before it gives up. */
const writeLockMilliseconds = 5_000;
/** Turns that one COMMIT may wait for, so that the first of them is not kept for long. */
const mostTurns = 64;

/** One transaction inside the shared one. It holds the write turn until it ends. */
export interface GroupMember {
  /** Throws unless the shared transaction is still there: a full disk rolls all of it back. */
  assertOpen(): void;
  /** Ends the turn; resolves once everything is durable. @throws whatever made the shared COMMIT fail */
  commit(): Promise<void>;
  /** Undoes this member alone and ends the turn; resolves once what it saw of others is durable. Does nothing after `commit`. */
  rollback(): Promise<void>;
}

export interface GroupCommit {
  /** Waits for the turn and for the file's write lock. @throws SqliteError SQLITE_BUSY when another process keeps the lock */
  begin(): Promise<GroupMember>;
  /**
   * Waits for the turn and keeps it for a writer on another handle, with nothing open here: whoever queues behind it has the turn next.
   * @returns ends the turn
   */
  enter(): Promise<() => void>;
  /** Commits what is open; for closing. */
  finish(): void;
  /** Those who wait for the turn. */
  readonly waiting: number;
}

interface Group {
  readonly durable: Promise<void>;
  resolve(): void;
  reject(reason: unknown): void;
  turns: number;
}

/**
 * Creates the group over the one handle that writes.
 * @param around.committing called before each COMMIT; begins none
 * @param around.committed called after each, when it has been told to those who wait
 */
export function createGroupCommit(
  writer: Sqlite.Database,
  around: { readonly committing: () => void; readonly committed: () => void },
): GroupCommit {
  const run = (sql: string) => {
    const statement = writer.prepare(sql);
    return () => void statement.run();
  };
  const beginImmediate = run('BEGIN IMMEDIATE');
  const commitAll = run('COMMIT');
  const rollbackAll = run('ROLLBACK');
  const setSavepoint = run('SAVEPOINT group_member');
  const undoMember = run('ROLLBACK TO group_member');
  const releaseSavepoint = run('RELEASE group_member');

  const queue: PromiseWithResolvers<void>[] = [];
  let held = false;
  let open: Group | undefined;

  async function takeTurn(): Promise<void> {
    if (!held) {
      held = true;
      return;
    }
    const turn = Promise.withResolvers<void>();
    queue.push(turn);
    await turn.promise;
  }

  function passTurn(): void {
    if (open && open.turns >= mostTurns) finish();
    const next = queue.shift();
    if (next) {
      next.resolve();
      return;
    }
    held = false;
    // Requests that are being served in this turn of the event loop may still join.
    setImmediate(() => {
      if (!held) finish();
    });
  }

  async function openGroup(): Promise<Group> {
    if (open && !writer.inTransaction) finish();
    if (open) return open;
    await whenUnlocked(beginImmediate);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Those who wait see the failure; that nobody may be waiting is no failure of its own.
    promise.catch(() => {});
    open = { durable: promise, resolve, reject, turns: 0 };
    return open;
  }

  function finish(): void {
    const group = open;
    if (!group) return;
    open = undefined;
    around.committing();
    try {
      if (!writer.inTransaction) throw new LostTransactionError();
      commitAll();
      group.resolve();
    } catch (error) {
      if (writer.inTransaction) rollbackAll();
      group.reject(error);
      return;
    }
    around.committed();
  }

  return {
    finish,
    get waiting() {
      return queue.length;
    },
    async enter() {
      await takeTurn();
      finish();
      return passTurn;
    },
    async begin() {
      await takeTurn();
      let group: Group;
      try {
        group = await openGroup();
        setSavepoint();
      } catch (error) {
        // Whoever queued behind has waited for the same lock: it is not made to wait for it once more.
        if (isBusy(error)) for (const turn of queue.splice(0)) turn.reject(error);
        passTurn();
        throw error;
      }
      group.turns += 1;
      return createMember(group);
    },
  };

  function createMember(group: Group): GroupMember {
    let ended = false;
    const end = (last: () => void) => {
      ended = true;
      try {
        // When the whole transaction was rolled back by SQLite, the shared COMMIT says so to everybody.
        if (writer.inTransaction) last();
      } finally {
        passTurn();
      }
    };
    return {
      assertOpen() {
        if (!writer.inTransaction) throw new LostTransactionError();
      },
      async commit() {
        end(releaseSavepoint);
        await group.durable;
      },
      async rollback() {
        if (ended) return;
        end(() => {
          undoMember();
          releaseSavepoint();
        });
        await group.durable;
      },
    };
  }
}

/** SQLite rolled the whole transaction back: the disk is full or failed. Sorted as an outage by its code. */
export class LostTransactionError extends Error {
  override readonly name = 'LostTransactionError';
  readonly code = 'SQLITE_IOERR_LOST';
  constructor() {
    super('SQLite rolled the shared transaction back');
  }
}

/** Repeats an attempt that fails with SQLITE_BUSY, sleeping in between, until it works or the time is up. */
async function whenUnlocked(attempt: () => void): Promise<void> {
  for (let waited = 0, pause = 1; ; waited += pause, pause = Math.min(pause * 2, 25)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || waited >= writeLockMilliseconds) throw error;
    }
    await sleep(pause);
  }
}

/** By its code: the class of the error is not the same wherever the driver is loaded twice. */
function isBusy(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && code.startsWith('SQLITE_BUSY');
}
