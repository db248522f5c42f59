/**
 * How many clients may come from one address. Only what makes a new row counts: hosted assistants share addresses and register the
 * same public client on every connect, which must not lock anybody out. How often an address may ask at all is `http/request-limits.ts`'s.
 */
import Provider, { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { addressBlock } from '../http/client-address.ts';
import type { Limit, RateLimits } from '../http/rate-limit.ts';

const newClients: Limit = { name: 'registration', points: 300, windowSeconds: 3_600 };

export interface RegistrationLimit {
  /** Takes a place for one more client. @throws OIDCProviderError with 429 when the request's address has none left */
  admitNew(): Promise<void>;
}

/** @param deps.addressOf where the running request comes from */
export function createRegistrationLimit(deps: {
  limits: RateLimits;
  addressOf: (ctx: KoaContextWithOIDC) => string;
}): RegistrationLimit {
  return {
    async admitNew() {
      const ctx = Provider.ctx;
      if (!ctx) return;
      const taken = await deps.limits.take(newClients, addressBlock(deps.addressOf(ctx)));
      if (taken.kind === 'limited')
        throw tooMany(ctx, taken.retryAfterSeconds, 'clients are being registered');
    },
  };
}

/**
 * Makes the refusal of a request that costs too much, with its `Retry-After` set (RFC 6585 section 4).
 * @param what is too many, as a clause
 */
export function tooMany(ctx: KoaContextWithOIDC, seconds: number, what: string): errors.OIDCProviderError {
  ctx.set('Retry-After', String(seconds));
  return Object.assign(new errors.CustomOIDCProviderError('temporarily_unavailable', `too many ${what}`), {
    status: 429,
    statusCode: 429,
  });
}
