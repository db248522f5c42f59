import type { GuardedRequest } from './bearer-token.ts';
import type { Guard } from './require-authorization.ts';
import type { Requirement } from './verdict.ts';

/** The part of an Express response that guarding needs. */
export interface ExpressResponse {
  readonly locals: Record<string, unknown>;
  status(code: number): { set(headers: Record<string, string>): { json(body: unknown): unknown } };
}

/**
 * Guards Express routes; `res.locals.authorization` then holds what the token may do.
 *
 * @param requirement - what the operation needs, or how to tell it from the request (its route parameters)
 */
export function expressAuthorization<Request extends GuardedRequest>(
  guard: Guard,
  requirement: Requirement | ((request: Request) => Requirement) = {},
): (request: Request, response: ExpressResponse, next: (error?: unknown) => void) => Promise<void> {
  return async (request, response, next) => {
    try {
      const needed = typeof requirement === 'function' ? requirement(request) : requirement;
      const outcome = await guard.authorize(request, needed);
      if (outcome.kind !== 'allowed') {
        response
          .status(outcome.status)
          .set({ ...outcome.headers })
          .json(outcome.body);
        return;
      }
      response.locals.authorization = outcome.authorization;
    } catch (error) {
      // Express 4 does not wait for a promise.
      next(error);
      return;
    }
    next();
  };
}
