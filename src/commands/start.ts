import type { Config } from '../config.ts';
import { type Answer, done } from './answer.ts';

/** `start`: runs the server until it is told to stop. */
export async function start(
  config: Config,
  options: { demo?: boolean; platform?: boolean },
): Promise<Answer> {
  // Only this command needs the server; the others start faster without it.
  const { startServer } = await import('../server.ts');
  const stopped = Promise.withResolvers<string>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.resolve(signal));
  const { origin, stop } = await startServer(config, options);
  const signal = await stopped.promise;
  await stop();
  return done({ origin, stopped_by: signal }, `stopped (${signal})`);
}
