/**
 * A run of fuzzing (R17): a server of its own whose loop is watched, bent requests to it, somebody who asks for something else
 * meanwhile, and the line of figures. Owns what must not come of it; does not own what is asked.
 */
import { expect } from '@jest/globals';
import { type BentRequests, sendBent } from './bent-requests.ts';
import { type Engine, freshDatabaseUrl } from './databases.ts';
import { engineName, isLongRun, pause, quantile, record, sized, tries } from './fault-figures.ts';
import { describeHolds, longestRun, watchedLoop } from './loop-holds.ts';
import { type PlainRequest, seeded } from './request-mutations.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

const seed = Number(process.env.FUZZ_SEED ?? 1);
/** Milliseconds that a run may take. */
export const fuzzingMayTake = sized(90_000, 10_800_000);

/** How many bent forms each request is sent in. @param short how many in the suite */
export const bentFormsEach = (short: number) => Number(process.env.FUZZ_REQUESTS ?? tries(short, 100_000));

/**
 * Sends bent forms of requests to a server, and expects that all of them are answered well.
 * @param run.requests makes the requests, with what they need to get far
 * @param run.named says of the requests what they go to, as in `31 endpoints`
 */
export async function fuzz(
  engine: Engine,
  run: {
    readonly scenario: string;
    readonly each: number;
    requests(node: ServerProcess): Promise<readonly PlainRequest[]>;
    named(requests: readonly PlainRequest[]): string;
  },
): Promise<BentRequests> {
  const database = await freshDatabaseUrl(engine);
  const loop = watchedLoop();
  const node = await startServerProcess({
    databaseUrl: database.url,
    environment: { TRUSTED_PROXY_HOPS: '1', ...loop.environment },
  });
  try {
    const requests = await run.requests(node);
    loop.forget();
    const endWatching = watchWaits(node);
    const sent = await sendBent(node, requests, run.each, seeded(seed), tellProgress);
    const waits = await endWatching();
    const holds = loop.holds();
    const { done, busy, wrong, unhandled } = sent;
    record({
      id: 'R17',
      scenario: `bent requests to ${run.scenario}, eight at once, beside somebody who asks for something else`,
      target: '0 5xx, 0 unanswered, 0 unhandled rejections, loop not held for 200 ms',
      measured: `${done} requests to ${run.named(requests)}, seed ${seed}: ${wrong.length} wrong, ${unhandled} unhandled, ${busy} asked again after 503, ${shareOf(sent, 2)} × 2xx, ${shareOf(sent, 3)} × 3xx, ${shareOf(sent, 4)} × 4xx; ${describeHolds(holds)}; others waited ${quantile(waits, 0.99).toFixed(0)} ms (99 %), ${quantile(waits, 1).toFixed(0)} ms at most`,
      engine: engineName(engine),
    });
    expect(wrong.slice(0, 40)).toEqual([]);
    expect(unhandled).toBe(0);
    if (isLongRun) expect(longestRun(holds)).toBeLessThan(200);
    expect((await node.send('/readyz')).status).toBe(200);
    return sent;
  } finally {
    await node.kill();
    loop.remove();
    await database.drop();
  }
}

/** How many were answered with a status of one kind, such as 4 for 4xx. */
export function shareOf({ statuses }: BentRequests, kind: number): number {
  return [...statuses].reduce((sum, [status, n]) => sum + (Math.floor(status / 100) === kind ? n : 0), 0);
}

/** A run of hours says how far it is. */
function tellProgress(name: string, { done, wrong }: Pick<BentRequests, 'done' | 'wrong'>): void {
  if (isLongRun) process.stderr.write(`${done} requests, ${wrong.length} wrong, after ${name}\n`);
}

/** Asks for something else now and then. @returns ends it, and tells how many milliseconds each answer took */
function watchWaits(node: ServerProcess): () => Promise<number[]> {
  const waits: number[] = [];
  let over = false;
  const watching = (async () => {
    while (!over) {
      const start = performance.now();
      await node.send('/healthz');
      waits.push(performance.now() - start);
      await pause(10);
    }
  })();
  return async () => {
    over = true;
    await watching;
    return waits;
  };
}
