/**
 * `POST /api-keys/leaked`: anyone who found an API key where it does not belong can have it disabled, signed in or not. Whoever
 * holds the key could do worse with it; the answer is the same whether or not there is such a key.
 */
import Router from '@koa/router';
import { isApiKey } from '../authorizations/api-key-format.ts';
import type { ApiKeyStore } from '../authorizations/api-key-store.ts';
import { addressBlock, clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { Limit, RateLimits } from '../http/rate-limit.ts';
import { isFormRefusal, readForm } from '../http/read-form.ts';

const formBytes = 4 * 1_024;
const perAddress: Limit = { name: 'leaked-key', points: 60, windowSeconds: 3_600 };

export interface LeakDependencies {
  readonly apiKeys: ApiKeyStore;
  readonly limits: RateLimits;
  readonly trustedProxies: TrustedProxies;
}

export function createLeakRoutes({ apiKeys, limits, trustedProxies }: LeakDependencies): Router {
  const router = new Router();
  router.post('/api-keys/leaked', async (ctx) => {
    const form = await readForm(ctx.req, formBytes);
    const key = isFormRefusal(form) ? undefined : form.get('key')?.[0];
    // The checksum is told offline: what is no key costs no look-up.
    if (key === undefined || !isApiKey(key)) {
      ctx.status = 400;
      ctx.body = { error: 'invalid_request', error_description: 'key is missing or is not an API key' };
      return;
    }
    const origin = clientAddress(ctx.req, trustedProxies);
    const taken = await limits.take(perAddress, addressBlock(origin));
    if (taken.kind === 'limited') {
      ctx.status = 429;
      ctx.set('Retry-After', String(taken.retryAfterSeconds));
      ctx.body = { error: 'slow_down', error_description: 'too many reports from this address' };
      return;
    }
    await apiKeys.disableLeaked({ id: 'anonymous', origin }, key);
    ctx.status = 202;
    ctx.body = { accepted: true };
  });
  return router;
}
