/**
 * Limits on guessing user codes: wrong ones count against the browser's session and against its address.
 * With 20^8 codes and ten minutes each, what is left is far below one in 2^32.
 * @see RFC 8628 section 5.1
 */
import type Koa from 'koa';
import { addressBlock, clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { Limit, RateLimits, Taken } from '../http/rate-limit.ts';

const perSession: Limit = { name: 'user-code-session', points: 10, windowSeconds: 3_600 };
const perAddress: Limit = { name: 'user-code-address', points: 100, windowSeconds: 3_600 };

export interface UserCodeGuesses {
  /** Tells whether this browser may try another code. */
  mayGuess(ctx: Koa.Context): Promise<Taken>;
  countWrong(ctx: Koa.Context): Promise<void>;
}

export function createUserCodeGuesses({
  limits,
  trustedProxies,
  sessionCookie,
}: {
  limits: RateLimits;
  trustedProxies: TrustedProxies;
  /** Its name. */
  sessionCookie: string;
}): UserCodeGuesses {
  const keysOf = (ctx: Koa.Context): [Limit, string][] => {
    const session = ctx.cookies.get(sessionCookie);
    const address = addressBlock(clientAddress(ctx.req, trustedProxies));
    return [[perAddress, address], ...(session ? [[perSession, session] as [Limit, string]] : [])];
  };
  return {
    async mayGuess(ctx) {
      for (const [limit, key] of keysOf(ctx)) {
        const taken = await limits.peek(limit, key);
        if (taken.kind === 'limited') return taken;
      }
      return { kind: 'allowed' };
    },
    async countWrong(ctx) {
      for (const [limit, key] of keysOf(ctx)) await limits.take(limit, key);
    },
  };
}
