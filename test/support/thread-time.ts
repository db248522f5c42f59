/**
 * What the kernel knows of a thread's time: how long it ran, and how long it was ready and waited for a processor. Tells what a server
 * does itself from what the machine under it keeps it from. Where the kernel does not tell, all of it is 0.
 */
import { readFileSync } from 'node:fs';

/** Milliseconds since the thread began. */
export interface ThreadTime {
  readonly ran: number;
  /** In the queue of those that could run. */
  readonly queued: number;
}

/** Reads the time of a process's first thread: for Node, of its loop. */
export function threadTimeOf(pid: number): ThreadTime {
  return read(`/proc/${pid}/task/${pid}/schedstat`);
}

/** Reads the time of the thread that asks. */
export function ownThreadTime(): ThreadTime {
  return read('/proc/thread-self/schedstat');
}

/** Reads for how many milliseconds the thread that asks has run, on any machine. */
export function ownCpuMilliseconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/**
 * Begins to measure how long something takes.
 * @returns tells the milliseconds since then, without those in which this thread waited for a processor or the machine had none
 */
export function startStopwatch(): () => number {
  const [begun, { queued }, stolen] = [performance.now(), ownThreadTime(), stolenMilliseconds()];
  return () => performance.now() - begun - (ownThreadTime().queued - queued) - stolenSince(stolen);
}

/** Reads for how many milliseconds the host ran others in this machine's place, on the processor where that was longest. */
export function stolenMilliseconds(): number[] {
  return textOf('/proc/stat')
    .split('\n')
    .filter((line) => /^cpu\d/.test(line))
    .map((line) => Number(line.split(/\s+/)[8]) * 10);
}

/** The longest that any processor was taken away between two readings. */
export function stolenSince(
  before: readonly number[],
  now: readonly number[] = stolenMilliseconds(),
): number {
  return Math.max(0, ...now.map((value, processor) => value - (before[processor] ?? 0)));
}

function read(path: string): ThreadTime {
  const [ran, queued] = textOf(path).split(' ');
  return { ran: Number(ran ?? 0) / 1e6, queued: Number(queued ?? 0) / 1e6 };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
