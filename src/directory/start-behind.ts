import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Nice value: about a tenth of a core that others keep busy, all of one that is idle. */
const niceness = 10;

/**
 * Starts a thread that is less important than this one from its first step on: by the time that it could step back itself, it has
 * taken a core for longer than its work does. Only on Linux has a thread a priority of its own; elsewhere it is as important as this one.
 * @param start makes one thread before it returns
 */
export function startBehind<T>(start: () => T): T {
  const before = new Set(threadIds());
  const started = start();
  for (const id of threadIds()) {
    if (!before.has(id)) stepBack(id);
  }
  return started;
}

function stepBack(threadId: number): void {
  try {
    // What setpriority(2) takes for a process is a thread's id on Linux.
    setPriority(threadId, niceness);
  } catch {
    // A sandbox forbids it, or the thread has ended.
  }
}

/** The threads of this process; none where the system does not tell. */
function threadIds(): number[] {
  if (process.platform !== 'linux') return [];
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    return [];
  }
}
