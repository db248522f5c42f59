/**
 * The metrics of several processes behind one port: whichever of them is asked, it asks all of them through their supervisor. Owns what
 * they say to each other about it; does not own the processes (`workers.ts`).
 */
import type { MetricsOfProcess } from './metrics.ts';

/** What a worker hears from its supervisor and says to it. */
export interface ProcessChannel {
  send(message: object): void;
  listen(heard: (message: unknown) => void): void;
}

/** A worker, as its supervisor sees it. */
export interface WorkerChannel extends ProcessChannel {
  readonly id: number;
}

type Said =
  | { readonly metrics: 'all'; readonly question: number; readonly all?: readonly MetricsOfProcess[] }
  | { readonly metrics: 'own'; readonly question: string; readonly own?: MetricsOfProcess };

const patienceMilliseconds = 2_000;

const isSaid = (message: unknown): message is Said =>
  typeof message === 'object' && message !== null && 'metrics' in message && 'question' in message;

/**
 * Answers for this process whenever its supervisor wants to know.
 * @returns asks all of them; it fails when one of them does not answer: without it, counters would seem to go back
 */
export function createProcessMetrics(
  channel: ProcessChannel,
  read: () => Promise<MetricsOfProcess>,
): () => Promise<MetricsOfProcess[]> {
  const waiting = new Map<number, (all: readonly MetricsOfProcess[]) => void>();
  let questions = 0;
  channel.listen((message) => {
    if (!isSaid(message)) return;
    if (message.metrics === 'all') return waiting.get(message.question)?.(message.all ?? []);
    const { question } = message;
    // Whoever asked finds out by itself that there is no answer.
    read().then(
      (own) => channel.send({ metrics: 'own', question, own } satisfies Said),
      () => {},
    );
  });
  return async () => {
    questions += 1;
    const question = questions;
    const { promise, resolve, reject } = Promise.withResolvers<readonly MetricsOfProcess[]>();
    const timer = setTimeout(
      () => reject(new Error('a process did not tell its metrics')),
      patienceMilliseconds,
    );
    waiting.set(question, resolve);
    channel.send({ metrics: 'all', question } satisfies Said);
    try {
      return [...(await promise)];
    } finally {
      clearTimeout(timer);
      waiting.delete(question);
    }
  };
}

export interface MetricsRelay {
  /** Listens to a worker from now on. */
  add(worker: WorkerChannel): void;
}

/** Passes questions of workers on to all of them, and their answers back. @param present who serves now */
export function createMetricsRelay(present: () => readonly WorkerChannel[]): MetricsRelay {
  const open = new Map<
    string,
    { readonly missing: Set<number>; readonly told: MetricsOfProcess[]; done(): void }
  >();
  return {
    add(worker) {
      worker.listen((message) => {
        if (!isSaid(message)) return;
        if (message.metrics === 'all') ask(worker, message.question);
        else if (message.own) note(worker.id, message.question, message.own);
      });
    },
  };

  function ask(by: WorkerChannel, asked: number): void {
    const question = `${by.id}:${asked}`;
    const workers = present();
    const told: MetricsOfProcess[] = [];
    const end = () => {
      clearTimeout(timer);
      open.delete(question);
    };
    const timer = setTimeout(end, patienceMilliseconds);
    open.set(question, {
      missing: new Set(workers.map(({ id }) => id)),
      told,
      done() {
        end();
        by.send({ metrics: 'all', question: asked, all: told } satisfies Said);
      },
    });
    for (const one of workers) one.send({ metrics: 'own', question } satisfies Said);
  }

  function note(id: number, question: string, own: MetricsOfProcess): void {
    const asked = open.get(question);
    if (!asked?.missing.delete(id)) return;
    asked.told.push(own);
    if (asked.missing.size === 0) asked.done();
  }
}
