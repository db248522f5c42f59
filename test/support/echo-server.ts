/**
 * A server that tells what was asked of it, with some requests answered ahead of the parser or none, and a client that hears every byte.
 * Owns no expectation.
 */
import { createServer, type Server, type ServerOptions } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { createRepeatedHeads } from '../../src/http/repeated-heads.ts';

export interface Echo {
  readonly port: number;
  readonly server: Server;
  /** Paths and bodies that were asked behind the parser, and ahead of it. */
  readonly parsed: string[];
  readonly unparsed: string[];
  open: boolean;
  underWay(): number;
  close(): Promise<void>;
}

const start = (length: number) => `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\nX-Ours: yes\r\n`;

const inTurn = (body: string, answer: () => void) =>
  void (body === 'later' ? setTimeout(answer, 300) : setImmediate(answer));

/** A server that tells what was asked of it, a turn of the event loop later, or of `/early` at once; `/ask` may be answered ahead of the parser. */
export async function startEcho(attended: boolean, options: ServerOptions = {}): Promise<Echo> {
  const parsed: string[] = [];
  const unparsed: string[] = [];
  const heads = createRepeatedHeads<string>({
    open: () => echo.open,
    answer({ head, body, send, respond }) {
      unparsed.push(body);
      const text = `${head} ${body}`;
      inTurn(body, () => {
        if (body === 'refuse') respond().writeHead(400, { 'Content-Length': 2 }).end('no');
        else send(start(text.length), text);
        if (body !== 'twice') return;
        send(start(text.length), text);
        respond().writeHead(503, { 'Content-Length': 0 }).end();
      });
    },
  });
  const server = createServer({ keepAliveTimeout: 5_000, ...options }, (request, response) => {
    const url = request.url ?? '';
    heads.note(request, response, request.method === 'POST' && url === '/ask' ? url : undefined);
    if (url === '/early') {
      parsed.push(url);
      response.writeHead(404, { 'Content-Length': 0 }).end();
      return;
    }
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1');
    });
    request.on('end', () => {
      parsed.push(`${url} ${body}`);
      const text = `${url} ${body}`;
      inTurn(body, () => {
        if (body === 'refuse') response.writeHead(400, { 'Content-Length': 2 }).end('no');
        else response.writeHead(200, ['Content-Length', String(text.length), 'X-Ours', 'yes']).end(text);
      });
    });
  });
  if (attended) heads.attend(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const { port } = server.address() as AddressInfo;
  const echo: Echo = { port, server, parsed, unparsed, open: true, underWay: heads.underWay, close };
  return echo;
}

interface Client {
  readonly socket: Socket;
  received(): string;
  /** Waits until so many answers are there, or the connection has ended. */
  answers(count: number): Promise<string>;
}

export async function connectTo({ port }: Echo): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let text = '';
  let ended = false;
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    ended = true;
  });
  await new Promise<void>((resolve) => void socket.once('connect', resolve));
  return {
    socket,
    received: () => text,
    async answers(count) {
      for (let tries = 0; tries < 1_500; tries++) {
        const found = text.match(/HTTP\/1\.1 \d\d\d /g)?.length ?? 0;
        const whole = text.endsWith('\r\n\r\n') || /\r\n\r\n[^\r]+$/.test(text);
        if ((found >= count && whole) || ended) break;
        await wait(2);
      }
      return text.replaceAll(/Date: [^\r]+/g, 'Date: now').replaceAll(/(?:^[\w-]+: [^\r]+\r\n)+/gm, sorted);
    },
  };
}

/** The order of an answer's headers means nothing. */
const sorted = (lines: string) => `${lines.trimEnd().split('\r\n').sort().join('\r\n')}\r\n`;

/** A request in bytes. @param more further headers, each with its line's end */
export const ask = (body: string, more = '') =>
  `POST /ask HTTP/1.1\r\nHost: a\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
