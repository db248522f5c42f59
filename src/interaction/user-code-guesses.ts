/**
 * Limits on guessing user codes: wrong ones count against the browser's session, against its address, and against everybody's.
 * A code has 20^10 values and lives ten minutes, which two windows of the last limit may share: at most 2,000 wrong codes, from however
 * many addresses, are less than one chance in 2^32 to meet it.
 * @see RFC 8628 section 5.1
 */
import type Koa from 'koa';
import { addressBlock, clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { Limit, RateLimits, Taken } from '../http/rate-limit.ts';

const perSession: Limit = { name: 'user-code-session', points: 10, windowSeconds: 3_600 };
const perAddress: Limit = { name: 'user-code-address', points: 100, windowSeconds: 3_600 };

/** Ends guessing from many addresses, and the entry of codes with it until the window is over. */
const everywhere: Limit = { name: 'user-code-everywhere', points: 1_000, windowSeconds: 600 };

/** Where it is noted that the code of a request was wrong. */
const wrong = 'wrongUserCode';

export interface UserCodeGuesses {
  /**
   * Lets this browser try a code, if it may try another one. The try counts from its beginning, so that many at once are no more than one
   * after the other, and no longer than to its end unless the code is wrong.
   */
  tryOnce(ctx: Koa.Context, work: () => Promise<void>): Promise<Taken>;
  /** Notes that the code of the running try is wrong. */
  countWrong(ctx: Pick<Koa.Context, 'state'>): void;
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
    return [
      [perAddress, address],
      ...(session ? [[perSession, session] as [Limit, string]] : []),
      // Last: what is refused before it is none of everybody's tries.
      [everywhere, ''],
    ];
  };
  const giveBack = async (places: readonly [Limit, string][]) => {
    for (const [limit, key] of places) await limits.giveBack(limit, key);
  };
  return {
    async tryOnce(ctx, work) {
      const places: [Limit, string][] = [];
      for (const [limit, key] of keysOf(ctx)) {
        places.push([limit, key]);
        const taken = await limits.take(limit, key);
        if (taken.kind === 'allowed') continue;
        // What is refused here tried nothing.
        await giveBack(places);
        return taken;
      }
      try {
        await work();
      } finally {
        if (ctx.state[wrong] !== true) await giveBack(places);
      }
      return { kind: 'allowed' };
    },
    countWrong({ state }) {
      state[wrong] = true;
    },
  };
}
