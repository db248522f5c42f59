/**
 * The life of the thread that large writes to SQLite are done in (`apart-thread.ts`): started when something is asked of it, gone when
 * nothing was for a while. Owns the messages to it; does not own what is asked (`apart.ts`, `checkpoints.ts`).
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Checkpoint, Statement, StatementAnswer } from './apart-thread.ts';

/** A thread holds some ten megabytes, and takes some 50 ms to start. */
const idleMilliseconds = 30_000;

type Asked = Statement | Checkpoint;
type Answered = Exclude<StatementAnswer, { failure: unknown }>;

export interface KeptThread {
  /**
   * Asks one thing, which is done after everything that was asked before.
   * @throws Error with SQLite's code, or ThreadEndedError
   */
  ask(asked: Asked): Promise<Answered>;
  /** Ends the thread; its transaction, if there is one, is undone when this resolves. The next question starts another one. */
  giveUp(): Promise<void>;
}

/** Prepares a thread on a database file; starts none. */
export function createKeptThread(path: string): KeptThread {
  let kept: Thread | undefined;
  let idle: NodeJS.Timeout | undefined;
  const giveUp = async () => {
    clearTimeout(idle);
    const thread = kept;
    kept = undefined;
    await thread?.end();
  };
  return {
    async ask(asked) {
      clearTimeout(idle);
      if (!kept || kept.hasEnded()) kept = startThread(path);
      const thread = kept;
      try {
        return await thread.ask(asked);
      } finally {
        clearTimeout(idle);
        if (thread === kept) idle = setTimeout(() => void giveUp(), idleMilliseconds).unref();
      }
    },
    giveUp,
  };
}

interface Thread extends Pick<KeptThread, 'ask'> {
  end(): Promise<void>;
  hasEnded(): boolean;
}

function startThread(path: string): Thread {
  // The neighbour, as a source or as what was built of it.
  const file = new URL(`./apart-thread${extname(import.meta.url)}`, import.meta.url);
  // However this process was started: with a program of its own on the command line, a thread would not start.
  const worker = new Worker(file, { workerData: { path }, execArgv: [] });
  let ended: Error | undefined;
  /** In the order in which they are answered. */
  const waiting: PromiseWithResolvers<StatementAnswer>[] = [];
  const fail = (reason: unknown) => {
    ended ??= new ThreadEndedError(reason);
    for (const one of waiting.splice(0)) one.reject(ended);
  };
  worker.on('message', (answer: StatementAnswer) => {
    waiting.shift()?.resolve(answer);
    // It keeps nobody's process alive while it has nothing to do.
    if (waiting.length === 0) worker.unref();
  });
  worker.on('error', fail).on('exit', fail);

  return {
    async ask(asked) {
      if (ended) throw ended;
      const own = Promise.withResolvers<StatementAnswer>();
      waiting.push(own);
      worker.ref();
      worker.postMessage(asked);
      const answer = await own.promise;
      if ('failure' in answer) {
        const { message, code } = answer.failure;
        throw Object.assign(new Error(message), code === undefined ? {} : { code });
      }
      return answer;
    },
    async end() {
      fail('nobody needs it');
      await worker.terminate();
    },
    hasEnded: () => ended !== undefined,
  };
}

/** The thread ended; what it had begun is undone by that. Sorted as an outage by its code. */
class ThreadEndedError extends Error {
  override readonly name = 'ThreadEndedError';
  readonly code = 'SQLITE_IOERR_THREAD';
  constructor(reason: unknown) {
    super('the thread for large writes ended', { cause: reason });
  }
}
