/** The loopback listener of a tool: waits for the browser to come back (RFC 8252 section 7.3). */
import { createServer } from 'node:http';
import { freePort } from './free-port.ts';

export interface CallbackListener {
  /** The redirect URI to register. */
  readonly redirectUri: string;
  /** Resolves with the address of the next return. */
  next(): Promise<URL>;
  stop(): Promise<void>;
}

export async function startCallbackListener(): Promise<CallbackListener> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  let arrived: (address: URL) => void = () => {};
  const server = createServer((request, response) => {
    const address = new URL(request.url ?? '/', origin);
    response
      .writeHead(200, { 'Content-Type': 'text/plain', Connection: 'close' })
      .end('You can go back now.');
    if (address.pathname === '/callback') arrived(address);
  });
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
  return {
    redirectUri: `${origin}/callback`,
    next: () =>
      new Promise((resolve) => {
        arrived = resolve;
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
