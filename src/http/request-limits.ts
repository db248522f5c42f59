/**
 * Limits on what anybody may send without being known, ahead of everything that it would cost: registrations, device codes, pages
 * that begin a visit, and credentials that do not hold at the token endpoint. Machines are answered in OAuth's shape, people with a page.
 */
import type Koa from 'koa';
import type { BurstLimit, BurstLimits } from './burst-limits.ts';
import { addressBlock, clientAddress, type TrustedProxies } from './client-address.ts';
import type { PageWriter } from './page-writer.ts';

/** Of clients that are known already for the most part; how many new ones there may be is `oauth/registration-limit.ts`'s. */
const registrations: BurstLimit = {
  name: 'registration-requests',
  points: 30_000,
  windowSeconds: 3_600,
  batch: 50,
};
const deviceCodes: BurstLimit = { name: 'device-codes', points: 600, windowSeconds: 300, batch: 10 };
/** A whole office behind one address opens fewer; each leaves a row for some minutes. */
const visits: BurstLimit = { name: 'anonymous-pages', points: 3_000, windowSeconds: 300, batch: 50 };
/** Requests of tools, pushed or in a browser that was here before: each leaves a row too, for up to an hour. */
const authorizationRequests: BurstLimit = {
  name: 'authorization-requests',
  points: 6_000,
  windowSeconds: 300,
  batch: 50,
};
/** Wrong secrets, codes and refresh tokens of one client: those that hold cost nothing here. */
export const refusedCredentials: BurstLimit = {
  name: 'refused-credentials',
  points: 300,
  windowSeconds: 300,
  batch: 1,
};
/** Those of all clients: many people's assistants come from one address. */
const refusedInAll: BurstLimit = {
  name: 'refused-credentials-address',
  points: 6_000,
  windowSeconds: 300,
  batch: 20,
};

/** Where the parts of one request leave what credentials it is about. */
const shown = 'shownCredentials';

const visited = new Set(['/authorize', '/device', '/sign-in', '/forgot-password']);
const posted: ReadonlyMap<string, BurstLimit> = new Map([
  ['/register', registrations],
  ['/device/auth', deviceCodes],
  ['/par', authorizationRequests],
]);
const refusals = new Set(['invalid_client', 'invalid_grant']);

interface Shown {
  readonly address: string;
  readonly clientId?: string;
}

/** @param deps.sessionCookie name of the cookie that a browser has which was here before */
export function createRequestLimits(deps: {
  bursts: BurstLimits;
  pages: PageWriter;
  trustedProxies: TrustedProxies;
  sessionCookie: string;
}): Koa.Middleware {
  const { bursts, pages } = deps;

  return async (ctx, next) => {
    const address = () => addressBlock(clientAddress(ctx.req, deps.trustedProxies));
    const limit = limitOf(ctx);
    if (limit) {
      const taken = await bursts.take(limit, address());
      if (taken.kind === 'limited') return refuse(ctx, taken.retryAfterSeconds);
    }
    if (ctx.path !== '/token' || ctx.method !== 'POST') return next();
    const known = bursts.known(refusedInAll, address());
    if (known.kind === 'limited') return refuse(ctx, known.retryAfterSeconds);
    ctx.state[shown] = { address: address() } satisfies Shown;
    await next();
    const { error } = (ctx.body ?? {}) as { error?: string };
    if (ctx.status >= 400 && error !== undefined && refusals.has(error)) {
      const { clientId = '' } = ctx.state[shown] as Shown;
      await bursts.take(refusedCredentials, `${address()} ${clientId}`);
      await bursts.take(refusedInAll, address());
    }
  };

  function limitOf(ctx: Koa.Context): BurstLimit | undefined {
    if (ctx.method === 'POST') {
      return posted.get(ctx.path);
    }
    if (visited.has(ctx.path) && ctx.cookies.get(deps.sessionCookie) === undefined) return visits;
    return ctx.path === '/authorize' ? authorizationRequests : undefined;
  }

  function refuse(ctx: Koa.Context, seconds: number): void {
    ctx.set('Retry-After', String(seconds));
    if (ctx.method === 'GET') pages.fail(ctx, 'rate_limited', { status: 429 });
    else answerTooMany(ctx, seconds);
  }
}

/** Notes whose credentials a token request shows. @returns the key under which those that do not hold are counted */
export function refusedCredentialsKey(ctx: Pick<Koa.Context, 'state'>, clientId: string): string {
  const { address } = ctx.state[shown] as Shown;
  ctx.state[shown] = { address, clientId } satisfies Shown;
  return `${address} ${clientId}`;
}

/**
 * Answers a machine that asks too often. RFC 6749 has no code for it at these endpoints; the nearest of its own is that of section
 * 4.1.2.1, and the status says the rest (RFC 6585 section 4).
 */
function answerTooMany(ctx: Koa.Context, seconds: number): void {
  ctx.status = 429;
  ctx.set('Cache-Control', 'no-store');
  ctx.body = {
    error: 'temporarily_unavailable',
    error_description: `too many requests from this address: try again in ${seconds} s`,
  };
}
