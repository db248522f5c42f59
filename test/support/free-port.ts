import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that the system gives to whoever asks for any: none of these is taken between here and whoever listens on it. */
const lowest = 20_000;
/** Workers of one run choose from parts of their own. */
const portsEach = 3_000;
const worker = Number(process.env.JEST_WORKER_ID ?? 0) % 4;
let turn = Math.floor(Math.random() * portsEach);

/**
 * Finds a TCP port that nothing listens on, each time another one.
 *
 * @returns a port that was free a moment ago; a caller that may listen on port 0 itself should rather do that
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < portsEach; tries += 1) {
    turn = (turn + 1) % portsEach;
    const port = lowest + worker * portsEach + turn;
    if (await isFree(port)) return port;
  }
  throw new Error('every port is taken');
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port);
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
