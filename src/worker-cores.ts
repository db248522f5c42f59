/**
 * Binds each worker to a core. Left to the system, workers follow whoever talks to them from core to core, meet on one while the other is
 * idle, and find cold caches wherever they come. Owns the binding; does not own the workers (`workers.ts`).
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The system has no such cores, or does not let itself be told. */
export class CoreBindingError extends Error {
  override readonly name = 'CoreBindingError';
}

export interface WorkerCores {
  /**
   * Forks a worker that runs on the core of its place alone, with all its threads.
   * @param fork makes the process before it returns
   * @throws CoreBindingError when the core is not there any more; nothing is forked then
   */
  bound<T>(place: number, fork: () => T): T;
}

/**
 * Prepares the binding, on Linux where `taskset` is installed (util-linux): Node cannot bind a process by itself.
 * @param cores a core for each place; when there are more places than cores, they begin again
 * @throws CoreBindingError when workers cannot be bound to these cores
 */
export function createWorkerCores(cores: readonly number[]): WorkerCores {
  const every = allowedCores();
  /** Whatever comes of it, this process runs anywhere afterwards; if it may not, it only waits. */
  const onCores = <T>(work: () => T): T => {
    try {
      return work();
    } finally {
      tryToBind(every);
    }
  };
  onCores(() => cores.forEach(bindThisThread));
  return {
    bound: (place, fork) =>
      onCores(() => {
        // A process is born where the thread that makes it may run, and so are its threads.
        bindThisThread(cores[place % cores.length] as number);
        return fork();
      }),
  };
}

/** Where this process may run, as the system writes it: `0-3,8`. */
function allowedCores(): string {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (list) return list;
  } catch {
    // No Linux.
  }
  throw new CoreBindingError('MANDATE_WORKER_CORES works on Linux only');
}

function bindThisThread(core: number): void {
  const problem = tryToBind(String(core));
  if (problem !== undefined)
    throw new CoreBindingError(`MANDATE_WORKER_CORES cannot bind a worker to core ${core}: ${problem}`);
}

/** Binds the main thread of this process, whose number is the process's. @returns why that cannot be */
function tryToBind(list: string): string | undefined {
  const { status, error, stderr } = spawnSync('taskset', ['-pc', list, String(process.pid)], {
    encoding: 'utf8',
  });
  if (error) return 'the program taskset of util-linux, which it needs, cannot be run';
  return status === 0 ? undefined : stderr.trim();
}
