import type { GuardedRequest } from './bearer-token.ts';
import type { Guard } from './require-authorization.ts';
import type { Requirement } from './verdict.ts';

/** The part of a Hono context that guarding needs. */
export interface HonoContext {
  readonly req: { readonly raw: GuardedRequest };
  set(name: 'authorization', value: unknown): void;
}

/**
 * Guards Hono routes; `c.get('authorization')` then holds what the token may do.
 *
 * @param requirement - what the operation needs, or how to tell it from the context (its route parameters)
 */
export function honoAuthorization<Context extends HonoContext>(
  guard: Guard,
  requirement: Requirement | ((c: Context) => Requirement) = {},
): (c: Context, next: () => Promise<void>) => Promise<Response | undefined> {
  return async (c, next) => {
    const needed = typeof requirement === 'function' ? requirement(c) : requirement;
    const outcome = await guard.authorize(c.req.raw, needed);
    if (outcome.kind !== 'allowed') {
      return Response.json(outcome.body, { status: outcome.status, headers: outcome.headers });
    }
    c.set('authorization', outcome.authorization);
    await next();
    return undefined;
  };
}
