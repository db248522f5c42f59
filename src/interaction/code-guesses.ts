/**
 * Tries codes that are asked for after a password, within limits that hold on every node. A code of an app has six digits, so guesses at it end
 * for a day as well; a recovery code has far too many letters to be guessed, so it goes on being a way in for whoever has one, and
 * passkeys ask for no code at all.
 * @see RFC 6238 section 5.2, RFC 4226 section 7.3
 */
import type { Counted, Limit, RateLimits } from '../http/rate-limit.ts';
import { isAppCode, plainCode, type SecondFactors } from '../sign-in/second-factors.ts';

export type CodeOutcome =
  | { readonly kind: 'right' }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'too_many'; readonly retryAfterSeconds: number }
  /** No code of an app is taken any more for now; a recovery code is. */
  | { readonly kind: 'too_many_today'; readonly retryAfterSeconds: number };

export interface CodeGuesses {
  /** @param known names a browser that signed in to the account before; its guesses are counted apart from strangers' */
  take(userId: string, code: string, known: string | undefined): Promise<CodeOutcome>;
}

const inAQuarter: Limit = { name: 'second-step', points: 10, windowSeconds: 900 };
const inADay: Limit = { name: 'second-step-day', points: 30, windowSeconds: 86_400 };
/** Whoever had an account for a while may have made its acquaintance with any number of browsers. */
const inADayFromKnown: Limit = { name: 'second-step-day-known', points: 90, windowSeconds: 86_400 };

export function createCodeGuesses({
  secondFactors,
  limits,
}: {
  secondFactors: Pick<SecondFactors, 'take'>;
  limits: RateLimits;
}): CodeGuesses {
  return {
    async take(userId, code, known) {
      const counted = known === undefined ? userId : `${userId} ${known}`;
      const isOfApp = isAppCode(plainCode(code));
      const taken = await limits.take(inAQuarter, counted);
      if (taken.kind === 'limited') return { ...taken, kind: 'too_many' };
      const daily: Counted[] = [[inADay, counted]];
      if (known !== undefined) daily.push([inADayFromKnown, userId]);
      const today = isOfApp ? await limits.takeInTurn(daily) : undefined;
      if (today?.kind === 'limited') {
        return { kind: 'too_many_today', retryAfterSeconds: today.retryAfterSeconds };
      }
      if (!(await secondFactors.take(userId, code))) return { kind: 'wrong' };
      await limits.forget(inAQuarter, counted);
      // Not all of the day: whoever has the app and signs in does not clear the way for whoever guesses.
      if (isOfApp) for (const [limit, key] of daily) await limits.giveBack(limit, key);
      return { kind: 'right' };
    },
  };
}
