/**
 * Several processes that serve side by side behind one socket. Owns their number, their lives and their ends;
 * serves nothing itself, so that nothing it does can keep an answer waiting.
 *
 * `node:cluster` hands each new connection to the next worker in turn. Beside sockets of the workers' own (SO_REUSEPORT) that costs
 * about 90 µs more for a connection and nothing for the requests on it, spreads few connections evenly, and loses none when a worker
 * leaves: what the system has queued on a socket of its own would end with it.
 */
import cluster, { type Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { openDatabase } from '../db/open.ts';
import { readCatalogue } from './catalogue.ts';
import { monotonicMilliseconds, systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { createLog } from './operations/log.ts';
import { createMetricsRelay, type WorkerChannel } from './operations/process-metrics.ts';
import { platformOrigin, startPlatform } from './platform-process.ts';
import { hasDemo, prepareDatabase } from './prepare-database.ts';
import { createSecrets } from './secrets.ts';
import type { RunningServer, StartOptions } from './server.ts';
import { settleMemory } from './settle-memory.ts';
import { shippedFiles } from './shipped-files.ts';
import { createStores } from './stores.ts';
import { welcomeText } from './welcome.ts';
import { CoreBindingError, createWorkerCores } from './worker-cores.ts';

/** What a worker is told; anything else it finds out by itself. */
export type WorkerOrder = 'drain' | 'stop' | 'tend';

/** A server that can also be started anew, worker after worker. */
export interface Supervisor extends RunningServer {
  /** Replaces every worker by a new one, which reads its settings anew; each is ready before the one that it replaces leaves. */
  replaceAll(): Promise<void>;
}

/**
 * V8's young generation takes up to a hundred megabytes when many answers come to be remembered; a smaller one does as well. And the
 * four threads that help it collect would keep the worker waiting for the core that it has: one is enough.
 */
const workerFlags = ['--max-semi-space-size=8', '--v8-pool-size=1'];
/** A worker stops within ten seconds by itself; one that does not is ended. */
const stopWithinMilliseconds = 12_000;
/** One that lived for longer than this is replaced at once; the pauses before the others double. */
const soundAfterMilliseconds = 10_000;
const firstPauseMilliseconds = 100;
const longestPauseMilliseconds = 10_000;

/** One of the places that a worker always stands in. The first one's does what is done once for all of them. */
interface Place {
  readonly index: number;
  worker: Worker;
  since: number;
  pause: number;
}

/**
 * Prepares the database once and starts the workers.
 * @throws CoreBindingError when workers cannot be bound to the cores that they are to have
 * @throws Error when one of the first workers does not come to serve; it has written why
 */
export async function startWorkers(config: Config, options: StartOptions): Promise<Supervisor> {
  const log = createLog(config.logLevel);
  const cores = config.workerCores && createWorkerCores(config.workerCores);
  const { demo, platform } = await prepare(config, options, log);
  let stopping = false;
  cluster.setupPrimary({
    // Its supervisor speaks for a worker.
    args: process.argv.slice(2).filter((argument) => argument !== '--json'),
    execArgv: [...process.execArgv, ...workerFlags],
  });

  const present = () => Object.values(cluster.workers ?? {}).filter(isThere);
  const relay = createMetricsRelay(() => present().map(channelTo));
  const fork = () => cluster.fork();
  const forkAt = (index: number): Worker => {
    try {
      return cores ? cores.bound(index, fork) : fork();
    } catch (error) {
      if (!(error instanceof CoreBindingError)) throw error;
      // They were there when it started; a worker that runs anywhere is better than none.
      log.warn({ err: error }, 'a worker is not bound to its core');
      return fork();
    }
  };
  const launch = (index: number): { worker: Worker; serving: Promise<void> } => {
    const worker = forkAt(index);
    relay.add(channelTo(worker));
    endWhatIsLost(worker);
    const { promise: serving, resolve, reject } = Promise.withResolvers<void>();
    worker.once('online', () => void (index === 0 && order(worker, 'tend')));
    worker.once('listening', () => resolve());
    worker.once('exit', (code, signal) => reject(new Error(`a worker ended with ${signal ?? code}`)));
    // Who waits for it sees it; a replacement's end is seen by its place.
    serving.catch(() => {});
    return { worker, serving };
  };

  /** Keeps a place filled: when its worker ends by itself, another one follows. */
  const watch = (place: Place): void => {
    const { worker } = place;
    worker.once('exit', async (code, signal) => {
      if (stopping || place.worker !== worker) return;
      const lived = monotonicMilliseconds() - place.since;
      place.pause =
        lived > soundAfterMilliseconds
          ? 0
          : Math.min(longestPauseMilliseconds, Math.max(firstPauseMilliseconds, place.pause * 2));
      log.error({ worker: worker.process.pid, code, signal }, 'a worker ended; another one follows');
      await sleep(place.pause);
      if (!stopping && place.worker === worker) fill(place, launch(place.index).worker);
    });
  };
  const fill = (place: Place, worker: Worker): void => {
    place.worker = worker;
    place.since = monotonicMilliseconds();
    watch(place);
  };

  const first = Array.from({ length: config.workers }, (_, index) => launch(index));
  const endAll = (workers: readonly Worker[]) => Promise.all(workers.map(end));
  try {
    await Promise.all(first.map(({ serving }) => serving));
  } catch (error) {
    await endAll(first.map(({ worker }) => worker));
    throw error;
  }
  const places = first.map(({ worker }, index) => {
    const place: Place = { index, worker, since: 0, pause: 0 };
    fill(place, worker);
    return place;
  });
  const stopPlatform = platform ? startPlatform(config.issuer) : async () => {};
  process.stdout.write(welcomeText({ issuer: config.issuer, demo, platform, workers: config.workers }));
  // From here on it only waits.
  settleMemory();

  return {
    origin: config.issuer,
    drain() {
      stopping = true;
      for (const worker of present()) order(worker, 'drain');
    },
    async replaceAll() {
      for (const place of places) {
        if (stopping) return;
        const { worker, serving } = launch(place.index);
        try {
          await serving;
        } catch (error) {
          log.error({ err: error }, 'a new worker did not come to serve; the old ones stay');
          return;
        }
        const old = place.worker;
        fill(place, worker);
        await end(old);
      }
      log.info('every worker was replaced');
    },
    async stop() {
      stopping = true;
      // Also those that are only just coming.
      await Promise.all([endAll(present()), stopPlatform()]);
    },
  };
}

/** Brings the database to where workers can serve from it, and lets go of it. */
async function prepare(config: Config, options: StartOptions, log: Logger) {
  const store = await openDatabase(config.databaseUrl, {
    onError: (error) => log.warn({ err: error }, 'a database connection failed'),
  });
  try {
    const wanted = options.demo ?? !config.production;
    await prepareDatabase(config, store, wanted);
    const catalogue = readCatalogue(shippedFiles().capabilities);
    const secrets = createSecrets(config.secret, config.previousSecrets);
    const stores = createStores({ store, secrets, catalogue, clock: systemClock });
    const demo = await hasDemo(config, stores, wanted);
    return { demo, platform: demo && options.platform !== false ? platformOrigin : undefined };
  } finally {
    await store.close();
  }
}

/**
 * Ends a connection that was on its way to a worker which died before it could take it. `node:cluster` waits for that worker's word
 * for ever, and so would the client.
 */
function endWhatIsLost(worker: Worker): void {
  const child = worker.process;
  const send = child.send.bind(child) as (...given: unknown[]) => boolean;
  let last: { close?(): void } | undefined;
  // The next one is handed over only when the last one was taken; what was taken is closed here already, and closing it again is nothing.
  child.send = (...given: unknown[]) => {
    if (typeof given[1] === 'object' && given[1] !== null) last = given[1];
    return send(...given);
  };
  worker.once('exit', () => last?.close?.());
}

/** Lets a worker end what it has begun, for a while. */
async function end(worker: Worker): Promise<void> {
  if (worker.isDead()) return;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  worker.once('exit', () => resolve());
  order(worker, 'stop');
  const cut = setTimeout(() => worker.process.kill('SIGKILL'), stopWithinMilliseconds);
  await ended;
  clearTimeout(cut);
}

function order(worker: Worker, what: WorkerOrder): void {
  // One that is just ending cannot be told any more, and need not be.
  if (worker.isConnected()) worker.send(what, () => {});
}

/** What is said to a worker beside orders. */
function channelTo(worker: Worker): WorkerChannel {
  return {
    id: worker.id,
    send: (message) => void (worker.isConnected() && worker.send(message, () => {})),
    listen: (heard) => void worker.on('message', heard),
  };
}

const isThere = (worker: Worker | undefined): worker is Worker => worker !== undefined;
