import type { GuardedRequest } from './bearer-token.ts';
import type { Guard } from './require-authorization.ts';
import type { Requirement } from './verdict.ts';

/** The part of a Koa context that guarding needs. */
export interface KoaContext {
  readonly req: GuardedRequest;
  /** As it came; mounting alters that of `req`. */
  readonly originalUrl?: string;
  state: { authorization?: unknown };
  status: number;
  body: unknown;
  set(headers: Record<string, string>): void;
}

/**
 * Guards Koa routes; `ctx.state.authorization` then holds what the token may do.
 *
 * @param requirement - what the operation needs, or how to tell it from the context (its route parameters)
 */
export function koaAuthorization<Context extends KoaContext>(
  guard: Guard,
  requirement: Requirement | ((ctx: Context) => Requirement) = {},
): (ctx: Context, next: () => Promise<unknown>) => Promise<void> {
  return async (ctx, next) => {
    const needed = typeof requirement === 'function' ? requirement(ctx) : requirement;
    const outcome = await guard.authorize(asItCame(ctx), needed);
    if (outcome.kind === 'allowed') {
      ctx.state.authorization = outcome.authorization;
      await next();
      return;
    }
    ctx.status = outcome.status;
    ctx.set({ ...outcome.headers });
    ctx.body = outcome.body;
  };
}

function asItCame({ req, originalUrl }: KoaContext): GuardedRequest {
  const { headers, url, method, rawHeaders } = req;
  return { headers, url, method, rawHeaders, originalUrl };
}
