/**
 * `/changes` on the plain listener: authenticates a resource server as for introspection and hands its connection to the change
 * stream. A GET has its proof in the Authorization header; a POST has a form for it, which is where a signed assertion belongs. Owns the connection; does not own what is told (`changes/change-stream.ts`).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { ChangeStream, StreamSink } from '../changes/change-stream.ts';
import type { ResourceServerStore } from '../clients/resource-server-store.ts';
import { type Form, isFormRefusal, readForm } from '../http/read-form.ts';
import type { CallerAuthentication } from './caller.ts';
import { singleParameters } from './endpoint.ts';
import { refuse as refuseInJson } from './json-answer.ts';

export interface ChangeStreamEndpoint {
  /** Takes a request for this path that came to the right host. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** One assertion, and room. */
const mostFormBytes = 16 * 1_024;
/** Streams that one resource server may hold on this node, and all together. */
const mostPerCaller = 200;
const mostStreams = 2_000;
/** A consumer that does not take the end of its stream within this is cut off. */
const endWithinMilliseconds = 5_000;

export function createChangeStreamEndpoint(deps: {
  readonly stream: ChangeStream;
  readonly feed: ChangeFeed;
  readonly callers: CallerAuthentication;
  readonly resourceServers: Pick<ResourceServerStore, 'guardedBy'>;
  readonly monotonic: () => number;
  /** Told why a stream could not be begun. */
  readonly onFailure: (error: unknown) => void;
}): ChangeStreamEndpoint {
  const { stream, feed, callers, resourceServers, monotonic } = deps;
  return {
    async handle(request, response) {
      const openedAt = monotonic();
      try {
        await open(request, response, openedAt);
      } catch (error) {
        deps.onFailure(error);
        refuse(response, 503, 'temporarily_unavailable', 'changes cannot be read now', {
          'Retry-After': '1',
        });
      }
    },
  };

  async function open(request: IncomingMessage, response: ServerResponse, openedAt: number): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'POST') {
      return refuse(response, 405, 'invalid_request', 'the change stream is a GET, or a POST with a form', {
        Allow: 'GET, POST',
      });
    }
    const form: Form | string = request.method === 'POST' ? await readCredentials(request) : new Map();
    if (typeof form === 'string') return refuse(response, 400, 'invalid_request', form);
    const known = request.headers['last-event-id'] || undefined;
    if (known !== undefined && !/^\d{1,15}$/.test(String(known))) {
      return refuse(response, 400, 'invalid_request', 'Last-Event-ID is not a number that was given');
    }
    // Before the caller is looked at: whatever changes about it from here on is told to it, and ends its stream.
    const latest = await feed.latest();
    const caller = await callers.authenticate(request.headers.authorization, form);
    if (caller.kind === 'malformed') return refuse(response, 400, 'invalid_request', caller.reason);
    if (caller.kind !== 'caller') {
      return refuse(response, 401, 'invalid_client', 'client authentication failed', {
        'WWW-Authenticate': 'Basic realm="mandate"',
      });
    }
    const { id } = caller.server;
    const guards = await resourceServers.guardedBy(id);
    if (response.destroyed) return;
    if (stream.count(id) >= mostPerCaller || stream.count() >= mostStreams) {
      return refuse(response, 429, 'temporarily_unavailable', 'too many streams', { 'Retry-After': '5' });
    }
    response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      // nginx would keep it back otherwise.
      'X-Accel-Buffering': 'no',
    });
    request.socket.setNoDelay(true);
    const after = known === undefined ? latest : Math.min(Number(known), latest);
    const flush = known !== undefined && Number(known) > latest;
    const forget = stream.add({ callerId: id, guards, after, flush, openedAt, sink: sinkOf(response) });
    response.once('close', forget);
    response.once('error', forget);
  }
}

/** @returns what is wrong with it, if anything is */
async function readCredentials(request: IncomingMessage): Promise<Form | string> {
  // One that was broken off is nobody's any more, and nothing has failed.
  const form = await readForm(request, mostFormBytes).catch(() => undefined);
  if (!form || isFormRefusal(form)) return 'the body must be a short application/x-www-form-urlencoded form';
  const repeated = singleParameters.find((name) => (form.get(name)?.length ?? 0) > 1);
  return repeated === undefined ? form : `${repeated} is given more than once`;
}

function sinkOf(response: ServerResponse): StreamSink {
  return {
    write: (text) => void response.write(text),
    backlogBytes: () => response.writableLength,
    end() {
      response.end();
      const cut = setTimeout(() => response.destroy(), endWithinMilliseconds);
      cut.unref();
      response.once('close', () => clearTimeout(cut));
    },
  };
}

/** A stream that has begun cannot be answered otherwise any more. */
function refuse(response: ServerResponse, ...said: [number, string, string, Record<string, string>?]): void {
  if (response.headersSent) response.destroy();
  else refuseInJson(response, ...said);
}
