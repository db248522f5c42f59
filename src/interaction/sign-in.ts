/**
 * Signing a person in with a password: limits before hashing, one answer for every reason, the same work for every account.
 * @see OWASP ASVS 5.0 section 6.3
 */
import type { Passwords } from '../directory/passwords.ts';
import type { UserStore, UserWithPassword } from '../directory/user-store.ts';
import type { Limit, RateLimits } from '../http/rate-limit.ts';

const perAccount: Limit = { name: 'sign-in-account', points: 10, windowSeconds: 900 };
const perAddress: Limit = { name: 'sign-in-address', points: 100, windowSeconds: 900 };

export type SignInOutcome =
  | { readonly kind: 'signed_in'; readonly user: UserWithPassword }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'too_many'; readonly retryAfterSeconds: number };

export interface SignIn {
  /** @param address the block of addresses that attempts are counted for */
  attempt(credentials: { email: string; password: string }, address: string): Promise<SignInOutcome>;
}

export function createSignIn(deps: { users: UserStore; passwords: Passwords; limits: RateLimits }): SignIn {
  const { users, passwords, limits } = deps;
  return {
    async attempt({ email, password }, address) {
      const key = email.normalize('NFKC').trim().toLowerCase();
      for (const [limit, counted] of [
        [perAddress, address],
        [perAccount, key],
      ] as const) {
        const taken = await limits.take(limit, counted);
        if (taken.kind === 'limited') return { kind: 'too_many', retryAfterSeconds: taken.retryAfterSeconds };
      }
      // Text in PostgreSQL cannot hold the character NUL: nobody's address has it.
      const known = key.length <= 254 && !key.includes('\0');
      const user = known ? await users.findByEmail(email) : undefined;
      const right = await passwords.verify(user?.passwordHash, password);
      if (!right || user?.status !== 'active') return { kind: 'wrong' };
      await limits.forget(perAccount, key);
      return { kind: 'signed_in', user };
    },
  };
}
