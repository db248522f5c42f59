/**
 * Completes what clients in browsers may read. The engine says which page may read a client's answers (`oauth/cors.ts`) and what
 * they expose; this adds what it does not know: when to come back, and answers that never reached it. Nothing is ever allowed with
 * credentials: these endpoints know nobody by a cookie.
 */
import type Koa from 'koa';

const paths =
  /^\/(token|revoke|par|device\/auth|userinfo|jwks|register|\.well-known\/(oauth-authorization-server|openid-configuration))$/;
const exposed = ['WWW-Authenticate', 'DPoP-Nonce', 'Retry-After'];

export const crossOriginAnswers: Koa.Middleware = async (ctx, next) => {
  await next();
  if (ctx.get('Origin') === '' || ctx.method === 'OPTIONS' || !paths.test(ctx.path)) return;
  // A limit, an outage and a fault tell nothing about any client, and without this a page takes them for a broken network.
  if (ctx.status === 429 || ctx.status >= 500) ctx.set('Access-Control-Allow-Origin', '*');
  if (ctx.response.get('Access-Control-Allow-Origin') !== '') {
    ctx.set('Access-Control-Expose-Headers', exposed.join(', '));
  }
};
