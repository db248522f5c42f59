/** Counts token answers by grant, once what they hand out is committed. */
import type Koa from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { assertionGrantType } from '../oauth/assertion-issuer.ts';
import type { Tally } from '../operations/tally.ts';

export function createTokenCount(tally: Tally): Koa.Middleware {
  const counters = new Map([
    ['authorization_code', tally.of('token', 'authorization_code')],
    ['refresh_token', tally.of('token', 'refresh_token')],
    ['client_credentials', tally.of('token', 'client_credentials')],
    ['urn:ietf:params:oauth:grant-type:device_code', tally.of('token', 'device_code')],
    [assertionGrantType, tally.of('token', 'identity_assertion')],
  ]);
  return async (ctx, next) => {
    await next();
    if (ctx.path !== '/token' || ctx.status !== 200) return;
    const { oidc } = ctx as unknown as Partial<KoaContextWithOIDC>;
    const counter = counters.get(String(oidc?.params?.grant_type));
    if (counter) counter.n += 1;
  };
}
