/**
 * Folds the blanks around and between the scopes of a request, which the library refuses: requests that are assembled by hand have
 * them, and mean nothing by it (RFC 6749 section 3.3).
 */
import type Koa from 'koa';
import Provider from 'oidc-provider';
import { parametersOf, readScope } from './scopes.ts';

/** Folds them in an address, ahead of the library. */
export const tidyAuthorizationQuery: Koa.Middleware = async (ctx, next) => {
  if (ctx.path !== '/authorize') return next();
  const { scope } = ctx.query;
  if (typeof scope === 'string') {
    const tidy = readScope(scope).join(' ');
    if (tidy !== scope) ctx.query = { ...ctx.query, scope: tidy };
  }
  return next();
};

/**
 * Folds them in a posted form. The library alone reads it, and judges the scope only once it knows the client: that it looks for one
 * is the moment between the two.
 */
export function tidyPostedScope(provider: Provider): void {
  const model = provider.Client as unknown as { find(id: string): Promise<unknown> };
  const find = model.find;
  model.find = function findClient(id) {
    const ctx = Provider.ctx;
    if (ctx?.method === 'POST') {
      // A pushed request's parameters are read from the body once more after its client is known.
      const { body } = ctx.oidc as unknown as { body?: Record<string, unknown> };
      for (const from of [body, ctx.oidc.params ? parametersOf(ctx) : undefined]) {
        if (typeof from?.scope === 'string') from.scope = readScope(from.scope).join(' ') || undefined;
      }
    }
    return find.call(this, id);
  };
}
