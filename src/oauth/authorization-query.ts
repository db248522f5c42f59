import type Koa from 'koa';
import { readScope } from './scopes.ts';

/**
 * Folds the blanks around and between the scopes of an authorization request, ahead of the library, which refuses them: URLs that
 * are assembled by hand have them, and mean nothing by it (RFC 6749 section 3.3).
 */
export const tidyAuthorizationQuery: Koa.Middleware = async (ctx, next) => {
  const { scope } = ctx.query;
  if (ctx.path === '/authorize' && typeof scope === 'string') {
    const tidy = readScope(scope).join(' ');
    if (tidy !== scope) ctx.query = { ...ctx.query, scope: tidy };
  }
  return next();
};
