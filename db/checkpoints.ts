/**
 * Brings SQLite's log of writes into the database file in a thread of its own: on the thread that answers, where SQLite does it in every
 * so manieth COMMIT, everybody waits for hundreds of writes and for the disk. Owns when; does not own the thread (`kept-thread.ts`).
 *
 * What is not done here, because the thread fails or cannot keep up, SQLite does by itself: see `CheckpointPages`.
 */
import type Sqlite from 'better-sqlite3';
import type { GroupCommit } from './group-commit.ts';
import type { KeptThread } from './kept-thread.ts';

export interface CheckpointPages {
  /** What has to have been written since the last time. */
  readonly enough: number;
  /** From this on, each COMMIT on the thread that answers brings over what it can, so that the log does not grow for long. */
  readonly lastResort: number;
}

/**
 * Of 4 KiB: 8 MB, in which what is written often is often, and not so much that a COMMIT which meets it waits long for the disk; and 64 MB.
 */
const usualPages: CheckpointPages = { enough: 2_000, lastResort: 16_000 };
/** COMMITs between two looks at the log; each takes some microseconds. */
const looksEvery = 8;

export interface Checkpoints {
  /** Looks after the log; called after each COMMIT. */
  committed(): void;
  /** Begins nothing any more. */
  end(): void;
}

/** A log, in pages: what is in it, and what of that is in the file as well. */
interface Log {
  /** 1 when another process is at it. */
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

/** @param writer the handle that commits */
export function createCheckpoints({
  writer,
  thread,
  group,
  pages = usualPages,
}: {
  writer: Sqlite.Database;
  thread: Pick<KeptThread, 'ask'>;
  group: Pick<GroupCommit, 'enter'>;
  pages?: CheckpointPages;
}): Checkpoints {
  writer.pragma(`wal_autocheckpoint = ${pages.lastResort}`);
  // What a very large transaction made of the log's file is given back.
  writer.pragma(`journal_size_limit = ${pages.lastResort * 4_096}`);
  const look = writer.prepare<[], Log>('PRAGMA wal_checkpoint(NOOP)');
  let commits = 0;
  let busy = false;
  let ended = false;
  /** How far the log went when it was last looked after. */
  let reached = 0;

  const checkpoint = async (mode: 'PASSIVE' | 'FULL') =>
    (await thread.ask({ checkpoint: mode })).rows[0] as Log | undefined;

  async function lookAfter(): Promise<void> {
    const { log = 0, checkpointed = 0 } = look.get() ?? {};
    if (log < reached) reached = 0;
    if (log - Math.max(checkpointed, reached) < pages.enough) return;
    reached = log;
    const first = await checkpoint('PASSIVE');
    // Another process does this, or somebody reads what is older: nothing would be gained by keeping writers from it.
    if (!first || first.busy > 0 || first.checkpointed < first.log) return;
    // The log begins anew only when nothing of it is left to bring over, which among writers who never pause it never is by itself.
    const leave = await group.enter();
    try {
      await checkpoint('FULL');
    } finally {
      leave();
    }
  }

  return {
    committed() {
      commits += 1;
      if (busy || commits < looksEvery) return;
      commits = 0;
      busy = true;
      lookAfter()
        // The thread is gone, or the disk failed: whoever writes sees that by themselves, and the last resort stands.
        .catch(() => {})
        .finally(() => {
          busy = ended;
        });
    },
    end() {
      ended = true;
      busy = true;
    },
  };
}
