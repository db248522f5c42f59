import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Finds a TCP port on the loopback interface that nothing listens on.
 *
 * @returns a port that was free a moment ago; a caller that may listen on port 0 itself should rather do that
 */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  server.close();
  await once(server, 'close');
  return address.port;
}
