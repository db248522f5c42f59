/**
 * What a request asks for, and the ceiling under which the library issues. The library's artifacts carry every capability;
 * the authorization decides what holds, at the token response and at introspection. What the client asked for is kept
 * beside it, for the consent page to preselect.
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Catalogue } from '../policy/vocabulary.ts';

/** Scopes of OpenID Connect itself; they say who someone is and carry no rights. */
export const identityScopes = ['openid', 'offline_access', 'profile', 'email'];

/** Space-separated names as a list without blanks or repetitions. Pure. */
export function readScope(scope: unknown): string[] {
  return typeof scope === 'string' ? [...new Set(scope.split(' ').filter((name) => name !== ''))] : [];
}

/** Tells whether a request only signs somebody in: `openid`, no capability. Pure. */
export function isSignInOnly(scope: unknown, catalogue: Catalogue): boolean {
  const asked = readScope(scope);
  return asked.includes('openid') && !asked.some((name) => catalogue.has(name));
}

/** Where it is noted that a request names no resource, and that the default stands in its place. */
export const defaultedResource = 'defaultedResource';

/**
 * The validators of the library's extra parameters, which run last on every authorization request.
 * `asked_scope` and `asked_resource` are ours: only a pushed request, which went through here before, may carry them in. A
 * request that names no scope, or only unknown ones, is a request all the same: many clients send none.
 */
export function createExtraParameters({ catalogue }: { catalogue: Catalogue }) {
  const every = [...catalogue.keys()];
  const isPushed = (ctx: KoaContextWithOIDC) => ctx.oidc.entities.PushedAuthorizationRequest !== undefined;
  return {
    asked_resource(ctx: KoaContextWithOIDC, value: string | undefined) {
      if (isPushed(ctx) && value !== undefined) return;
      parametersOf(ctx).asked_resource = ctx.state[defaultedResource] ? 'default' : 'named';
    },
    asked_scope(ctx: KoaContextWithOIDC, value: string | undefined) {
      if (isPushed(ctx) && value !== undefined) return;
      const params = parametersOf(ctx);
      const asked = readScope(params.scope);
      const identity = asked.filter((name) => identityScopes.includes(name));
      const signInOnly = isSignInOnly(params.scope, catalogue) && params.resource === undefined;
      params.asked_scope = asked.filter((name) => catalogue.has(name)).join(' ');
      params.scope = [...identity, ...(signInOnly ? [] : every)].join(' ');
    },
  };
}

/** The library's parameters, which extra parameters may set (its documentation of `extraParams`). */
export function parametersOf(ctx: KoaContextWithOIDC): Record<string, unknown> {
  return ctx.oidc.params as Record<string, unknown>;
}
