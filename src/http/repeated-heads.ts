/**
 * Requests whose head has the same bytes as one before it on its connection, but for the names of the request and of its trace. A resource
 * server asks again and again under the same head; what the parser made of it once is true of all of them, so that only the body is looked
 * at, at half the cost.
 *
 * Owns where on a connection one request ends and the next begins, so that no request can be hidden in another (RFC 9112 section 11.2):
 * taken is only a piece that came while the parser rested, with nothing unanswered, and that is exactly a known head and the body whose
 * length this head gives. Everything else goes to the parser as it came.
 */
import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { httpDate } from '../clock.ts';
import { type Extent, isPlainText, traceValues } from './trace-values.ts';

/** A connection keeps its last head for as long as it lives; a longer one is not kept. */
const mostHeadBytes = 4_096;
/** After so many heads in a row that did not come again, a connection is the parser's alone. */
const mostUnlike = 16;

/** A request that no parser saw. */
export interface RepeatedRequest<Head> {
  /** What was made of the head when it was parsed. */
  readonly head: Head;
  /** One character for each byte. */
  readonly body: string;
  /** The one that was parsed, for what its head and its connection tell; of its own, names of requests and traces alone may be others. */
  readonly request: IncomingMessage;
  /** Answers. @param start status line and headers, each with its line's end; those of the connection are added. @param body ASCII */
  send(start: string, body: string): void;
  /** Makes a response for an answer of any other kind. */
  respond(): ServerResponse;
}

export interface RepeatedHeads<Head> {
  /** Looks at what comes on the connections of a server, ahead of its parser. */
  attend(server: Server): void;
  /**
   * Says what the parser has just read; to be called while a request is announced, of every request.
   * @param head what answers a request of this head; undefined when it is nothing that can be answered so
   */
  note(request: IncomingMessage, response: ServerResponse, head?: Head): void;
  /** How many are being answered. */
  underWay(): number;
}

interface Connection<Head> {
  /** What is being parsed, when it began where the parser rested and no request was announced of it yet. */
  piece: Buffer | undefined;
  /** Bytes that went to the parser since it rested. */
  parsed: number;
  /** The parser is between two requests again, and all are answered. @param known of the last one, when its like can be taken */
  rest(known: Known<Head> | undefined): void;
}

interface Known<Head> {
  readonly bytes: Buffer;
  /** Of the head, what may be another each time. */
  readonly traces: readonly Extent[];
  /** Of head and body together. */
  readonly length: number;
  readonly head: Head;
  readonly request: IncomingMessage;
}

/**
 * @param deps.open whether requests are taken; while not, all go to the parser
 * @param deps.answer told of every request that is taken; has to send one answer
 */
export function createRepeatedHeads<Head>(deps: {
  readonly open: () => boolean;
  readonly answer: (asked: RepeatedRequest<Head>) => void;
}): RepeatedHeads<Head> {
  const connections = new WeakMap<Socket, Connection<Head>>();
  let underWay = 0;

  function attend(server: Server): void {
    server.on('connection', (socket) => {
      const [toParser, ...others] = socket.listeners('data');
      if (!toParser || others.length > 0) return;
      socket.removeListener('data', toParser as (piece: Buffer) => void);
      connections.set(
        socket,
        watch(server, socket, (piece) => toParser.call(socket, piece)),
      );
    });
  }

  function watch(server: Server, socket: Socket, toParser: (piece: Buffer) => void): Connection<Head> {
    // The first request is always parsed: until then, the server waits for a head and would end the connection.
    let phase: 'at rest' | 'parsing' | 'answering' = 'at rest';
    let known: Known<Head> | undefined;
    /** Heads in a row under which nobody asked again. */
    let unlike = 0;
    const connection: Connection<Head> = {
      piece: undefined,
      parsed: 0,
      rest(last) {
        phase = 'at rest';
        connection.parsed = 0;
        known = last ?? known;
        if (last && ++unlike >= mostUnlike) leave();
      },
    };

    socket.on('data', look);
    return connection;

    function look(piece: Buffer): void {
      if (phase === 'answering') {
        // Its turn comes with the answer. Whoever does not wait for that is left to the parser, behind which many are answered at once.
        known = undefined;
        socket.pause();
        socket.unshift(piece);
      } else if (phase === 'at rest' && known !== undefined && isLike(piece, known) && free()) {
        take(piece, known);
      } else {
        connection.piece = phase === 'at rest' ? piece : undefined;
        connection.parsed += piece.length;
        phase = 'parsing';
        toParser(piece);
        connection.piece = undefined;
      }
    }

    /** Where each head is another, as with traces, there is nothing to be had from knowing the last one. */
    function leave(): void {
      connections.delete(socket);
      socket.removeListener('data', look);
      socket.on('data', toParser);
    }

    /** Whoever does not read answers is left to the server, which stops to read from it. */
    function free(): boolean {
      return socket.writableLength === 0 && socket.writable && deps.open();
    }

    function take(piece: Buffer, { bytes, head, request }: Known<Head>): void {
      phase = 'answering';
      unlike = 0;
      underWay += 1;
      let due = true;
      deps.answer({ head, body: piece.toString('latin1', bytes.length), request, send, respond });

      function send(start: string, body: string): void {
        if (due && socket.writable) socket.write(start + connectionHeaders(server) + body, 'latin1');
        done();
      }

      function respond(): ServerResponse {
        const response = new ServerResponse(request);
        if (!due || socket.destroyed) {
          done();
          return response;
        }
        response.assignSocket(socket);
        response.setHeader('Connection', 'keep-alive');
        response.setHeader('Keep-Alive', keepAliveOf(server));
        response.once('finish', () => {
          response.detachSocket(socket);
          done();
        });
        response.once('close', done);
        return response;
      }

      /** Once, whatever else goes wrong behind an answer: a second one would be the next request's. */
      function done(): void {
        if (!due) return;
        due = false;
        underWay -= 1;
        phase = 'at rest';
        if (socket.isPaused()) socket.resume();
      }
    }
  }

  function note(request: IncomingMessage, response: ServerResponse, head?: Head): void {
    const connection = connections.get(request.socket);
    const piece = connection?.piece;
    if (!piece) return;
    // Another request that is announced of the same piece is not the whole of it.
    connection.piece = undefined;
    const extent = extentOf(piece, request);
    if (!extent) return;
    const { end, length } = extent;
    const bytes = piece.subarray(0, end);
    const known =
      head !== undefined && end <= mostHeadBytes && keepsConnection(request)
        ? {
            ...{ length, head, request },
            bytes: Buffer.from(bytes),
            traces: traceValues(bytes.toString('latin1')),
          }
        : undefined;
    response.once('finish', () => {
      // The parser has read it to its end, and that is as far as it was given anything. Either alone is not enough: what Node refuses
      // by itself is announced to nobody, and may stand ahead of a request whose answer does not wait for its body.
      if (request.complete && connection.parsed === length) connection.rest(known);
    });
  }

  return { attend, note, underWay: () => underWay };
}

/** Tells whether a piece is a request of this head, and nothing beyond it. */
function isLike(piece: Buffer, { bytes, traces, length }: Known<unknown>): boolean {
  if (piece.length !== length) return false;
  let from = 0;
  for (const trace of traces) {
    if (!isSame(piece, bytes, from, trace.from) || !isPlainText(piece, trace)) return false;
    from = trace.to;
  }
  return isSame(piece, bytes, from, bytes.length);
}

const isSame = (piece: Buffer, bytes: Buffer, from: number, to: number) =>
  bytes.compare(piece, from, to, from, to) === 0;

/** Lines that end as they have to, so that nobody can take another place for the end of the head. */
const headLines = /^(?:[^\r\n]+\r\n)+\r\n$/;

/** @returns where the head ends, and the body of the length that it says; undefined when a piece does not begin with all of the head */
function extentOf(piece: Buffer, { rawHeaders }: IncomingMessage) {
  const end = piece.indexOf('\r\n\r\n') + 4;
  let bodyBytes = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    switch (rawHeaders[index]?.toLowerCase()) {
      case 'transfer-encoding':
      case 'upgrade':
      case 'expect':
        return undefined;
      case 'content-length':
        bodyBytes = Number(rawHeaders[index + 1]);
    }
  }
  return headLines.test(piece.toString('latin1', 0, end)) ? { end, length: end + bodyBytes } : undefined;
}

/** Tells whether the connection goes on after this request by the standard's own default. @see RFC 9112 section 9.3 */
function keepsConnection({ httpVersion, rawHeaders }: IncomingMessage): boolean {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'connection');
  return httpVersion === '1.1' && (at < 0 || rawHeaders[at + 1]?.toLowerCase() === 'keep-alive');
}

let written = { date: '', keepAlive: '', text: '' };

/** Says what Node's server says of the connection, with the empty line after it. */
function connectionHeaders(server: Server): string {
  const [date, keepAlive] = [httpDate(), keepAliveOf(server)];
  if (written.date !== date || written.keepAlive !== keepAlive) {
    const text = `Date: ${date}\r\nConnection: keep-alive\r\nKeep-Alive: ${keepAlive}\r\n\r\n`;
    written = { date, keepAlive, text };
  }
  return written.text;
}

const keepAliveOf = (server: Server) => `timeout=${Math.floor(server.keepAliveTimeout / 1_000)}`;
