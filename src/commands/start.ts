import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import type { RunningServer, StartOptions } from '../server.ts';
import type { WorkerOrder } from '../workers.ts';
import { type Answer, done } from './answer.ts';

/** `start`: runs the server until it is told to stop. */
export async function start(config: Config, options: StartOptions & { workers?: number }): Promise<Answer> {
  const workers = options.workers ?? config.workers;
  if (workers === 1) {
    return untilTold(config, async () => {
      // Only this command needs the server; the others start faster without it.
      const { startServer } = await import('../server.ts');
      return startServer(config, options);
    });
  }
  const { default: cluster } = await import('node:cluster');
  if (cluster.worker) return serveAs(cluster.worker, config, options);
  return untilTold(config, async () => {
    const { startWorkers } = await import('../workers.ts');
    const starting = startWorkers({ ...config, workers }, options);
    // A signal that comes while they start is not forgotten, nor does it end the process, as it would by itself.
    let replacing: Promise<void> = Promise.resolve();
    process.on('SIGHUP', () => {
      replacing = replacing.then(() =>
        starting.then(
          ({ replaceAll }) => replaceAll(),
          () => {},
        ),
      );
    });
    return starting;
  });
}

/**
 * A worker ends when its supervisor says so. A signal may reach it as well, alone or with the whole process group: SIGINT, a key press at
 * a terminal, is the supervisor's; after SIGTERM it says for as long as its supervisor would that it is about to stop.
 */
async function serveAs(
  worker: { disconnect(): unknown },
  config: Config,
  options: StartOptions,
): Promise<Answer> {
  const stopped = Promise.withResolvers<string>();
  let tends = false;
  let running: RunningServer | undefined;
  process.on('message', (order: WorkerOrder) => {
    if (order === 'drain') running?.drain();
    if (order === 'tend') tends = true;
    if (order === 'stop') stopped.resolve(order);
  });
  process.on('SIGINT', () => {});
  process.on('SIGHUP', () => {});
  process.on('SIGTERM', async () => {
    running?.drain();
    await sleep(config.stopDelaySeconds * 1_000);
    stopped.resolve('SIGTERM');
  });
  try {
    const { startWorker } = await import('../server.ts');
    running = await startWorker(config, options, () => tends);
    await stopped.promise;
    await running.stop();
    return done({ origin: running.origin }, '');
  } finally {
    // Nothing else keeps this process, and the supervisor is not to take it for an accident.
    worker.disconnect();
  }
}

/** Runs a server until the first signal; one that comes while it starts is not forgotten. */
async function untilTold({ stopDelaySeconds }: Config, run: () => Promise<RunningServer>): Promise<Answer> {
  const stopped = Promise.withResolvers<string>();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopped.resolve(signal));
  const { origin, drain, stop } = await run();
  const signal = await stopped.promise;
  drain();
  await sleep(stopDelaySeconds * 1_000);
  await stop();
  return done({ origin, stopped_by: signal }, `stopped (${signal})`);
}
