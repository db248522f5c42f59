/** The one map from what went wrong to what is answered: outage, lost race, mistake. */
import type Koa from 'koa';
import { isOutage, isUnstorable } from '../../db/outage.ts';

export type Failure =
  /** A single use was lost to another request; this one did nothing. */
  | { readonly kind: 'already_used' }
  /** The database could not be asked; trying again may work. */
  | { readonly kind: 'outage' }
  /** Too many passwords wait to be hashed; trying again may work. */
  | { readonly kind: 'busy' }
  /** It holds a character that PostgreSQL cannot keep in text, as no name or token of ours does. */
  | { readonly kind: 'unstorable' }
  /** A mistake of ours. */
  | { readonly kind: 'bug' };

/** Sorts an error that nobody expected. Pure. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Error && error.name === 'AlreadyUsedError') return { kind: 'already_used' };
  if (error instanceof Error && error.name === 'BusyError') return { kind: 'busy' };
  if (isUnstorable(error)) return { kind: 'unstorable' };
  return isOutage(error) ? { kind: 'outage' } : { kind: 'bug' };
}

/** Answers a protocol endpoint's failure in OAuth's terms (RFC 6749 section 5.2). */
export function answerFailure(ctx: Koa.Context, failure: Failure): void {
  ctx.set('Cache-Control', 'no-store');
  switch (failure.kind) {
    case 'already_used':
      if (ctx.path.startsWith('/register/')) {
        // The request that came first replaced the registration, and its token with it (RFC 6750 section 3.1).
        ctx.status = 401;
        ctx.set('WWW-Authenticate', 'Bearer error="invalid_token"');
        ctx.body = { error: 'invalid_token', error_description: 'another request replaced the registration' };
        return;
      }
      ctx.status = 400;
      ctx.body = { error: 'invalid_grant', error_description: 'it was used by another request' };
      return;
    case 'outage':
    case 'busy':
      ctx.status = 503;
      ctx.set('Retry-After', '1');
      ctx.body = {
        error: 'temporarily_unavailable',
        error_description:
          failure.kind === 'busy'
            ? 'the server has too much to do at this moment'
            : 'the server cannot reach its storage',
      };
      return;
    case 'unstorable':
      ctx.status = 400;
      ctx.body = { error: 'invalid_request', error_description: 'it holds the character NUL' };
      return;
    case 'bug':
      ctx.status = 500;
      ctx.body = { error: 'server_error', error_description: 'the server met an unexpected condition' };
  }
}

/** Answers the JSON API's failure as a problem (RFC 9457). */
export function answerApiFailure(ctx: Koa.Context, failure: Failure): void {
  if (failure.kind === 'unstorable') {
    ctx.set('Cache-Control', 'no-store');
    ctx.status = 400;
    ctx.body = {
      title: 'Bad Request',
      status: 400,
      code: 'malformed',
      detail: 'It holds the character NUL, which no name, id or text here does.',
      request_id: ctx.state.requestId as string,
    };
    ctx.type = 'application/problem+json';
    return;
  }
  const passes = failure.kind === 'outage' || failure.kind === 'busy';
  ctx.set('Cache-Control', 'no-store');
  ctx.status = passes ? 503 : 500;
  if (passes) ctx.set('Retry-After', '1');
  ctx.body = {
    title: passes ? 'Service Unavailable' : 'Internal Server Error',
    status: ctx.status,
    code: passes ? 'unavailable' : 'internal',
    detail: apiDetail(failure),
    request_id: ctx.state.requestId as string,
  };
  ctx.type = 'application/problem+json';
}

function apiDetail({ kind }: Failure): string {
  switch (kind) {
    case 'outage':
      return 'The server cannot reach its storage. Try again in a moment.';
    case 'busy':
      return 'The server has too much to do at this moment. Try again in a moment.';
    default:
      return 'This is a fault of the server. Give the request id to whoever runs it.';
  }
}
