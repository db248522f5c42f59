/** Hosts on the internet, played by one server on the loopback: names, addresses and whatever they answer, well or badly. */
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request as requestByHttp,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { RequestOptions } from 'node:https';
import type { LookupFunction } from 'node:net';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Internet {
  /** What a server under test is given instead of name servers and TLS. */
  readonly reached: {
    readonly resolve: (host: string) => Promise<readonly string[]>;
    readonly request: (options: RequestOptions) => ClientRequest;
  };
  /** URLs that were asked for, in order. */
  readonly asked: string[];
  /** Addresses that were connected to, in order. */
  readonly connected: string[];
  /** Names that were resolved, in order. */
  readonly resolved: string[];
  /** Lets a URL be answered; an object is answered as a JSON document. */
  serve(url: string, answer: Handler | object): void;
  /** Gives a host its addresses, one list for each time it is asked for; the last one stays. */
  name(host: string, ...answers: readonly (readonly string[])[]): void;
  /** Makes a host unreachable, or reachable again. */
  turn(host: string, state: 'off' | 'on'): void;
  stop(): Promise<void>;
}

/** A public address that is nobody's in these tests. */
const somewhere = '93.184.216.34';

export async function createInternet(): Promise<Internet> {
  const handlers = new Map<string, Handler>();
  const names = new Map<string, (readonly string[])[]>();
  const off = new Set<string>();
  const asked: string[] = [];
  const connected: string[] = [];
  const resolved: string[] = [];
  const server = createServer((request, response) => {
    const url = `https://${request.headers.host}${request.url}`;
    asked.push(url);
    const handler = handlers.get(url);
    if (handler) handler(request, response);
    else response.writeHead(404).end();
  });
  const port = await listen(server);
  return {
    asked,
    connected,
    resolved,
    reached: {
      async resolve(host) {
        resolved.push(host);
        const answers = names.get(host) ?? [[somewhere]];
        return (answers.length > 1 ? answers.shift() : answers[0]) ?? [];
      },
      request: ({ lookup, ...options }) => {
        const host = String(options.host);
        (lookup as LookupFunction)(host, {}, (_error, address) => void connected.push(String(address)));
        const unreachable = off.has(host);
        return requestByHttp({ ...options, host: '127.0.0.1', port: unreachable ? 1 : port });
      },
    },
    serve(url, answer) {
      handlers.set(url, typeof answer === 'function' ? (answer as Handler) : documentOf(answer));
    },
    name: (host, ...answers) => void names.set(host, [...answers]),
    turn(host, state) {
      if (state === 'off') off.add(host);
      else off.delete(host);
    },
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/** Answers a JSON document. */
export function documentOf(document: object, headers: Record<string, string> = {}): Handler {
  return (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', ...headers });
    response.end(JSON.stringify(document));
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((done) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      done(typeof address === 'object' && address ? address.port : 0);
    });
  });
}
