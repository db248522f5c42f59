/**
 * `POST /introspect`, ahead of the engine: caller → token → rights → policy → answer, each step a file of its own.
 * Takes every way of asking that the standard allows; nothing here is remembered between two questions. The common way of asking
 * has a shorter path to the same answers (`fast-path.ts`). When an answer cannot be read there is none.
 * @see RFC 7662
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ResourceServer } from '../clients/resource-server-store.ts';
import { type Form, isFormRefusal, readForm } from '../http/read-form.ts';
import type {
  IntrospectionInstruments,
  IntrospectionOutcome,
} from '../operations/introspection-instruments.ts';
import { inactive } from './answer.ts';
import type { CallerAuthentication } from './caller.ts';
import { conditionOf } from './conditional.ts';
import { refuse, sendJson } from './json-answer.ts';
import type { PlainView } from './plain-view.ts';
import { ProbingError } from './probing.ts';

const bodyBytes = 128 * 1_024;
/** A caller's assertion is noted, which on SQLite waits for another process's lock; who asks is told before. */
const patienceMilliseconds = 2_000;
/** Parameters that count; each may be given once (RFC 6749 section 3.2). */
export const singleParameters = [
  'token',
  'token_type_hint',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
];

/** Told what came of a question when that is counted. */
export type NoteOutcome = (outcome: IntrospectionOutcome) => void;

export interface Introspection {
  /** Takes a request whose body nobody has read. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Takes a request whose form was read. @param authorization its Authorization header */
  handleForm(
    authorization: string | undefined,
    form: Form,
    response: ServerResponse,
    noteOutcome?: NoteOutcome,
  ): Promise<void>;
  /** Says that no answer can be given now: whatever failed, the rights could not be read. */
  fail(error: unknown, response: ServerResponse, noteOutcome?: NoteOutcome): void;
}

export function createIntrospection(deps: {
  readonly callers: CallerAuthentication;
  readonly view: PlainView;
  readonly instruments?: IntrospectionInstruments;
  /** Told why an answer could not be given. */
  readonly onFailure: (error: unknown) => void;
  /** Told of every active answer. @param caller the resource server's name */
  readonly onUse?: ((authorizationId: string, caller: string, request: IncomingMessage) => void) | undefined;
}): Introspection {
  const { instruments } = deps;
  const orFail = (response: ServerResponse, work: Promise<void>, noteOutcome?: NoteOutcome) =>
    work.catch((error: unknown) => fail(error, response, noteOutcome));
  return {
    handle: (request, response) => orFail(response, handle(request, response)),
    handleForm: (authorization, form, response, noteOutcome) =>
      orFail(response, inTime(handleForm(authorization, form, response, noteOutcome)), noteOutcome),
    fail,
  };

  function fail(error: unknown, response: ServerResponse, noteOutcome?: NoteOutcome): void {
    if (error instanceof ProbingError) {
      tooMany(error.retryAfterSeconds, response);
      return;
    }
    if (instruments) instruments.unavailable.n += 1;
    noteOutcome?.('unavailable');
    deps.onFailure(error);
    refuse(response, 503, 'temporarily_unavailable', 'live permissions cannot be read now', {
      'Retry-After': '1',
    });
  }

  function tooMany(seconds: number, response: ServerResponse): void {
    refuse(response, 429, 'temporarily_unavailable', 'too many unknown tokens', {
      'Retry-After': String(seconds),
    });
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') {
      return refuse(response, 405, 'invalid_request', 'introspection is a POST', { Allow: 'POST' });
    }
    const form = await readForm(request, bodyBytes).catch(() => undefined);
    // Whoever left in the middle of the question is owed no answer, and nothing has failed.
    if (!form) return;
    if (isFormRefusal(form)) {
      return form.kind === 'too_large'
        ? refuse(response, 413, 'invalid_request', 'the body is too large', { Connection: 'close' })
        : refuse(response, 400, 'invalid_request', 'the body must be application/x-www-form-urlencoded');
    }
    await inTime(handleForm(request.headers.authorization, form, response));
  }

  async function handleForm(
    authorization: string | undefined,
    form: Form,
    response: ServerResponse,
    noteOutcome?: NoteOutcome,
  ): Promise<void> {
    const repeated = singleParameters.find((name) => (form.get(name)?.length ?? 0) > 1);
    if (repeated) return refuse(response, 400, 'invalid_request', `${repeated} is given more than once`);

    const caller = await deps.callers.authenticate(authorization, form);
    if (caller.kind !== 'caller') {
      if (instruments) instruments.refusedCaller.n += 1;
      noteOutcome?.('refused_caller');
    }
    switch (caller.kind) {
      case 'malformed':
        return refuse(response, 400, 'invalid_request', caller.reason);
      case 'unknown':
        return refuse(response, 401, 'invalid_client', 'client authentication failed', {
          'WWW-Authenticate': 'Basic realm="mandate"',
        });
      case 'caller':
        return answer(caller.server, form, response, noteOutcome);
    }
  }

  async function answer(
    server: ResourceServer,
    form: Form,
    response: ServerResponse,
    noteOutcome?: NoteOutcome,
  ): Promise<void> {
    const value = form.get('token')?.[0];
    if (!value) return refuse(response, 400, 'invalid_request', 'token is missing');
    const body = await deps.view.answer(server, value);
    const ifNoneMatch = response.req.headers['if-none-match'];
    if (ifNoneMatch === undefined) sendJson(response, 200, body);
    else sendConditionally(response, body, ifNoneMatch);
    const outcome = body === inactive ? 'inactive' : 'active';
    if (instruments) instruments.of(server.name)[outcome].n += 1;
    noteOutcome?.(outcome);
    if (body === inactive) return;
    const { authorization_id: id } = JSON.parse(body) as { authorization_id: string };
    deps.onUse?.(id, server.name, response.req);
  }
}

/** Sends an answer to somebody who may keep it already. @param ifNoneMatch the header's value */
export function sendConditionally(response: ServerResponse, body: string, ifNoneMatch: string): void {
  const { tag, unchanged } = conditionOf(ifNoneMatch, body);
  if (!unchanged) sendJson(response, 200, body, { ETag: tag });
  if (response.headersSent) return;
  response
    .writeHead(304, { ETag: tag, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' })
    .end();
}

/** @throws Error when the work takes longer than the patience; what it finds later is for nobody */
async function inTime(work: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error('the database did not answer in time')),
    patienceMilliseconds,
  );
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
