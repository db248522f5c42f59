/**
 * A few threads that hash passwords: started when they are needed, gone when nobody signs in for a while. They give way to whoever
 * answers requests: a hash takes a core for some 20 ms on purpose, and a machine that is busy makes people who sign in wait.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { PasswordAnswer, PasswordQuestion } from './password-thread.ts';
import { startBehind } from './start-behind.ts';

/** So many wait already that whoever comes now would wait too long; trying again later may work. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
}

export interface PasswordThreads {
  /**
   * Asks a thread that has nothing to do, as soon as there is one, in the order in which was asked.
   * @throws BusyError when as many wait as may
   */
  ask(question: PasswordQuestion): Promise<string | boolean>;
}

/** A thread holds some ten megabytes, and takes a core for 40 ms to start, or 90 where it is read as TypeScript. */
const idleMilliseconds = 30_000;

interface Thread {
  readonly worker: Worker;
  /** Ends it when it was idle for long. */
  idle?: NodeJS.Timeout;
}

/**
 * @param most how many there are at once
 * @param mostWaiting how many questions may wait for one
 */
export function createPasswordThreads(most: number, mostWaiting: number): PasswordThreads {
  const free: Thread[] = [];
  const waiting: ((thread: Thread) => void)[] = [];
  let started = 0;

  const start = (): Thread => {
    started += 1;
    // The neighbour, as a source or as what was built of it.
    const file = new URL(`./password-thread${extname(import.meta.url)}`, import.meta.url);
    return { worker: startBehind(() => new Worker(file)) };
  };
  const take = async (): Promise<Thread> => {
    const thread = free.pop() ?? (started < most ? start() : undefined);
    if (!thread && waiting.length >= mostWaiting) throw new BusyError('too many passwords wait to be hashed');
    return thread ?? (await new Promise<Thread>((resolve) => waiting.push(resolve)));
  };
  const giveBack = (thread: Thread): void => {
    const next = waiting.shift();
    if (next) {
      next(thread);
      return;
    }
    // It keeps nobody's process alive while it has nothing to do.
    thread.worker.unref();
    thread.idle = setTimeout(() => {
      free.splice(free.indexOf(thread), 1);
      started -= 1;
      void thread.worker.terminate();
    }, idleMilliseconds).unref();
    free.push(thread);
  };
  const replace = (): void => {
    started -= 1;
    const next = waiting.shift();
    if (next) next(start());
  };

  return {
    async ask(question) {
      const thread = await take();
      clearTimeout(thread.idle);
      thread.worker.ref();
      let answer: PasswordAnswer;
      try {
        answer = await answerOf(thread.worker, question);
      } catch (error) {
        replace();
        throw error;
      }
      giveBack(thread);
      if ('failure' in answer) throw answer.failure;
      return answer.value;
    },
  };
}

/** @throws Error when the thread ends without an answer */
function answerOf(worker: Worker, question: PasswordQuestion): Promise<PasswordAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<PasswordAnswer>();
  const ended = (code: number) => reject(new Error(`the thread that hashes passwords ended with ${code}`));
  worker.once('message', resolve).once('error', reject).once('exit', ended);
  worker.postMessage(question);
  return promise.finally(() => {
    worker.off('message', resolve).off('error', reject).off('exit', ended);
  });
}
