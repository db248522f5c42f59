import { open, readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../clock.ts';

/** Longer than the two requests that are made under a lock may take. */
const staleAfterSeconds = 30;
const giveUpAfterSeconds = 60;
const lookAgainMilliseconds = 50;

/**
 * Does a piece of work while this process alone holds a lock: a file that only one can create. A lock whose process is gone, or
 * that is too old, is taken over. Two processes that judge so at the same moment may both go on; whatever is done under the lock
 * has to survive that. (A refresh does: the server gives both the same successor.)
 * @throws Error when the others take too long
 */
export async function withFileLock<T>(
  { path, clock }: { path: string; clock: Clock },
  work: () => Promise<T>,
): Promise<T> {
  const until = clock.now() + giveUpAfterSeconds;
  while (!(await take(path))) {
    if (clock.now() > until) throw new Error(`${path} is held by another process: try again, or remove it`);
    if (await isAbandoned(path, clock)) await rm(path, { force: true });
    else await pause(lookAgainMilliseconds);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(`${process.pid} ${hostname()}`);
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function isAbandoned(path: string, clock: Clock): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(path);
    if (clock.now() - mtimeMs / 1_000 > staleAfterSeconds) return true;
    const [pid = '', host] = (await readFile(path, 'utf8')).split(' ');
    return host === hostname() && !isRunning(Number(pid));
  } catch (error) {
    // Given back meanwhile.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
