/**
 * Signing a person in with a password: limits before hashing, one answer for every reason, the same work for every account.
 * @see OWASP ASVS 5.0 section 6.3
 */
import { emailKey } from '../directory/email-key.ts';
import type { Passwords } from '../directory/passwords.ts';
import type { UserStore, UserWithPassword } from '../directory/user-store.ts';
import type { Counted, Limit, RateLimits } from '../http/rate-limit.ts';
import type { UnitsOfWork } from '../oauth/unit-of-work.ts';
import { standsWhileActive } from './while-active.ts';

const perAccount: Limit = { name: 'sign-in-account', points: 10, windowSeconds: 900 };
const perAddress: Limit = { name: 'sign-in-address', points: 100, windowSeconds: 900 };
/** A browser that signed in to the account before, whatever strangers do meanwhile. */
const perKnownBrowser: Limit = { name: 'sign-in-known-browser', points: 10, windowSeconds: 900 };

/** Whoever had an account for a while may have made its acquaintance with any number of browsers. */
const perKnownBrowsers: Limit = { name: 'sign-in-known-browsers', points: 60, windowSeconds: 900 };

export type SignInOutcome =
  | { readonly kind: 'signed_in'; readonly user: UserWithPassword }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'too_many'; readonly retryAfterSeconds: number };

export interface SignIn {
  /**
   * What the running request writes after a right password stands only if the account has that password, and is active, when it is written.
   * @param address the block of addresses that attempts are counted for
   * @param known names a browser that signed in to the account before; its attempts are counted apart from strangers'
   */
  attempt(
    credentials: { email: string; password: string },
    address: string,
    known?: string,
  ): Promise<SignInOutcome>;
}

export function createSignIn(deps: {
  users: UserStore;
  passwords: Passwords;
  limits: RateLimits;
  units: Pick<UnitsOfWork, 'current'>;
}): SignIn {
  const { users, passwords, limits, units } = deps;
  return {
    async attempt({ email, password }, address, known) {
      const key = emailKey(email);
      const counters: readonly Counted[] =
        known === undefined
          ? [
              [perAddress, address],
              [perAccount, key],
            ]
          : [
              [perKnownBrowser, `${key} ${known}`],
              [perKnownBrowsers, key],
            ];
      const taken = await limits.takeInTurn(counters);
      if (taken.kind === 'limited') return { kind: 'too_many', retryAfterSeconds: taken.retryAfterSeconds };
      // Text in PostgreSQL cannot hold the character NUL: nobody's address has it.
      const possible = key.length <= 254 && !key.includes('\0');
      const user = possible ? await users.findByEmail(email) : undefined;
      const right = await passwords.verify(user?.passwordHash, password).catch(async (error: unknown) => {
        // Nobody looked at it: it was no try.
        for (const [limit, counted] of counters) await limits.giveBack(limit, counted);
        throw error;
      });
      if (!right || user?.status !== 'active') return { kind: 'wrong' };
      for (const [limit, counted] of counters) {
        // Whoever has one account may not clear the way to guess at others.
        if (limit === perKnownBrowsers) await limits.giveBack(limit, counted);
        else if (limit !== perAddress) await limits.forget(limit, counted);
      }
      // Hashing takes its time: whoever tries an old password again and again would be in the middle of it when a new one is set.
      standsWhileActive(units, user);
      return { kind: 'signed_in', user };
    },
  };
}
