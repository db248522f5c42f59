/**
 * For how long a loop was held, and why: how much of it its thread ran, and how much it waited for a processor that the machine gave
 * to somebody else. Watches the loop that it is called in; `loop-holds-preload.ts` does so in a server's process.
 */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownThreadTime, stolenMilliseconds, stolenSince } from './thread-time.ts';

/** One time that a loop was late, in milliseconds. */
export interface LoopHold {
  readonly held: number;
  readonly ran: number;
  readonly queued: number;
  /** For how long the host took a processor away meanwhile, at most. */
  readonly stolen: number;
}

const everyMilliseconds = 5;
/** Less than this is not told of. */
const leastMilliseconds = 20;

/** Watches this thread's loop. @param tell told of each hold @returns what looks a last time and ends it */
export function watchLoop(tell: (hold: LoopHold) => void): () => void {
  let [at, time, stolen] = [performance.now(), ownThreadTime(), stolenMilliseconds()];
  const look = () => {
    const now = performance.now();
    const held = now - at - everyMilliseconds;
    const [last, was] = [time, stolen];
    [at, time, stolen] = [now, ownThreadTime(), stolenMilliseconds()];
    if (held < leastMilliseconds) return;
    const ran = time.ran - last.ran;
    tell({ held, ran, queued: time.queued - last.queued, stolen: stolenSince(was, stolen) });
  };
  const timer = setInterval(look, everyMilliseconds).unref();
  return () => {
    clearInterval(timer);
    look();
  };
}

/** The longest that the thread itself ran without giving anybody else a turn. */
export function longestRun(holds: readonly LoopHold[]): number {
  return holds.reduce((most, { ran }) => Math.max(most, ran), 0);
}

/** Writes what the holds amount to: the thread's own doing first, then the longest of them with the machine's part. */
export function describeHolds(holds: readonly LoopHold[]): string {
  const longest = holds.reduce<LoopHold | undefined>((a, b) => (a && a.held > b.held ? a : b), undefined);
  if (!longest) return `loop never held for ${leastMilliseconds} ms`;
  const { held, ran, queued, stolen } = longest;
  const other = Math.max(0, held - ran - queued - stolen);
  const [own, ...parts] = [longestRun(holds), held, ran, queued, stolen, other].map((value) =>
    value.toFixed(0),
  );
  return `loop held by what it ran itself for ${own} ms at most; longest hold ${parts[0]} ms: ran ${parts[1]}, waited for a processor ${parts[2]}, taken by the host ${parts[3]}, waited for a disk or another thread ${parts[4]}`;
}

/** A server's loop, watched from within its process. */
export interface WatchedLoop {
  /** What the process needs in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Every hold since it was last forgotten. */
  holds(): LoopHold[];
  /** Leaves out what was until now, such as the start. */
  forget(): void;
  /** Removes what it wrote. */
  remove(): void;
}

/** Prepares to watch a process that is started with `environment`. */
export function watchedLoop(): WatchedLoop {
  const folder = mkdtempSync(join(tmpdir(), 'mandate-loop-'));
  const file = join(folder, 'holds.jsonl');
  writeFileSync(file, '');
  const preload = fileURLToPath(new URL('./loop-holds-preload.ts', import.meta.url));
  return {
    environment: { NODE_OPTIONS: `--import=${preload}`, LOOP_HOLDS: file },
    holds: () =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as LoopHold),
    forget: () => truncateSync(file),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
