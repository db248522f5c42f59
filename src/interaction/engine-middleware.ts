/**
 * What stands around the engine in each request, outermost first. Every entry is a small middleware; together they are what the
 * library leaves to whoever runs it.
 */
import type Koa from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Logger } from 'pino';
import { clientAddress, type TrustedProxies } from '../http/client-address.ts';
import { answerApiFailure, answerFailure, failureOf } from '../http/failures.ts';
import type { PageWriter } from '../http/page-writer.ts';
import { completeDiscovery } from '../oauth/discovery.ts';
import type { UnitsOfWork } from '../oauth/unit-of-work.ts';
import { normalizeUserCode } from '../oauth/user-code.ts';
import { typedCode } from './device-pages.ts';
import type { UserCodeGuesses } from './user-code-guesses.ts';

/** Routes whose failures are JSON, whoever asks. */
const protocolPaths = /^\/(token|register|revoke|par|device\/auth|userinfo|jwks|\.well-known\/|api\/)/;

/** Answers what nobody expected, and logs it under the request's id; the answer never says what it was. */
export function createLastResort({ pages, log }: { pages: PageWriter; log: Logger }): Koa.Middleware {
  return async (ctx, next) => {
    ctx.state.requestId = ctx.response.get('X-Request-Id');
    let unexpected: unknown;
    try {
      await next();
      unexpected = ctx.state.serverError;
    } catch (error) {
      unexpected = error;
    }
    if (unexpected === undefined) {
      if (ctx.status === 404 && ctx.body === undefined) answerNotFound(ctx);
      return;
    }
    // The request did nothing: what the engine meant to hand over with it was never written.
    for (const header of ['Location', 'Set-Cookie']) ctx.remove(header);
    const failure = failureOf(unexpected);
    const level = failure.kind === 'bug' ? 'error' : 'warn';
    log[level](
      { err: unexpected, requestId: ctx.state.requestId, path: withoutUid(ctx.path), failure: failure.kind },
      'request failed',
    );
    if (ctx.path.startsWith('/api/')) return answerApiFailure(ctx, failure);
    if (protocolPaths.test(ctx.path)) return answerFailure(ctx, failure);
    switch (failure.kind) {
      case 'already_used':
        return pages.fail(ctx, 'interaction_expired', { status: 400 });
      case 'outage':
      case 'busy':
        ctx.set('Retry-After', '1');
        return pages.fail(ctx, failure.kind === 'busy' ? 'busy' : 'unavailable', { status: 503 });
      case 'unstorable':
        return pages.fail(ctx, 'bad_request', { status: 400 });
      case 'bug':
        return pages.fail(ctx, 'internal', { status: 500 });
    }
  };

  function answerNotFound(ctx: Koa.Context): void {
    if (protocolPaths.test(ctx.path) || ctx.accepts('html', 'json') === 'json') {
      ctx.status = 404;
      ctx.body = { error: 'not_found', error_description: 'there is nothing here' };
    } else {
      pages.fail(ctx, 'not_found', { status: 404 });
    }
  }
}

/** An interaction's address is what one browser alone may know: the log does without it. */
function withoutUid(path: string): string {
  return path.replace(/^\/(interaction|authorize|device)\/[^/]+/, '/$1/:uid');
}

/**
 * Commits what the request wrote before its answer is sent. At /token a refusal keeps only what stands regardless, such as a
 * revocation after a replay: a request that is refused consumes nothing.
 */
export function createUnitMiddleware({
  units,
  trustedProxies,
}: {
  units: UnitsOfWork;
  trustedProxies: TrustedProxies;
}): Koa.Middleware {
  return async (ctx, next) => {
    const visitor = {
      userAgent: ctx.get('User-Agent'),
      address: clientAddress(ctx.req, trustedProxies),
    };
    const outcome = () => {
      if (ctx.state.serverError !== undefined || ctx.status >= 500) return 'failure';
      const route = (ctx as unknown as KoaContextWithOIDC).oidc?.route;
      return route === 'token' && ctx.status >= 400 ? 'refusal' : 'success';
    };
    await units.run(next, outcome, visitor);
  };
}

/** Lets browser-based clients register from any origin: the request carries nobody's credentials (RFC 7591 section 3). */
export const registrationCors: Koa.Middleware = async (ctx, next) => {
  if (ctx.path !== '/register' || ctx.get('Origin') === '') return next();
  ctx.set('Access-Control-Allow-Origin', '*');
  ctx.set('Cross-Origin-Resource-Policy', 'cross-origin');
  if (ctx.method !== 'OPTIONS') return next();
  ctx.set('Access-Control-Allow-Methods', 'POST');
  ctx.set('Access-Control-Allow-Headers', 'Authorization, Content-Type, MCP-Protocol-Version');
  ctx.set('Access-Control-Max-Age', '3600');
  ctx.status = 204;
};

/**
 * Guards code entry: a code in the address only fills the field, it never skips a step (RFC 8628 section 3.3.1); guesses are counted.
 */
export function createCodeEntry({
  pages,
  guesses,
}: {
  pages: PageWriter;
  guesses: UserCodeGuesses;
}): Koa.Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/device') return next();
    if (ctx.method === 'GET' && ctx.querystring !== '') {
      ctx.state[typedCode] = normalizeUserCode([ctx.query.user_code ?? ''].flat()[0] ?? '');
      ctx.querystring = '';
    }
    if (ctx.method !== 'POST') return next();
    const allowed = await guesses.tryOnce(ctx, next);
    if (allowed.kind === 'allowed') return;
    ctx.set('Retry-After', String(allowed.retryAfterSeconds));
    pages.fail(ctx, 'rate_limited', { status: 429 });
  };
}

/** Completes the library's answers: device polling and metadata. */
export function createCompletion(deps: {
  issuer: string;
  /** Whose identity assertions are taken. */
  assertionIssuers?: readonly unknown[] | undefined;
  devicePolling: { complete(ctx: KoaContextWithOIDC): Promise<void> };
}): Koa.Middleware {
  return async (ctx, next) => {
    await next();
    const answered = ctx as unknown as KoaContextWithOIDC;
    completeDiscovery(answered, deps.issuer, (deps.assertionIssuers ?? []).length > 0);
    await deps.devicePolling.complete(answered);
    // RFC 7009 section 2.2 leaves the body open; clients that read every answer as JSON (simple-oauth2) fail on an empty one.
    if (answered.oidc?.route === 'revocation' && ctx.status === 200) ctx.body = {};
  };
}
