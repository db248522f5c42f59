import type { GuardedRequest } from './bearer-token.ts';
import type { ActiveIntrospection } from './introspection.ts';
import type { Guard } from './require-authorization.ts';
import type { Requirement } from './verdict.ts';

/** The part of a Fastify request that guarding needs. */
export interface FastifyRequest {
  readonly raw: GuardedRequest;
  /** As it came; `rewriteUrl` alters that of `raw`. */
  readonly originalUrl?: string;
  authorization?: ActiveIntrospection | null;
}

/** The part of a Fastify reply that guarding needs. */
export interface FastifyReply {
  code(status: number): FastifyReply;
  headers(headers: Record<string, string>): FastifyReply;
  send(body: unknown): FastifyReply;
}

/**
 * Guards Fastify routes as a `preHandler`; `request.authorization` then holds what the token may do (declare it
 * with `decorateRequest('authorization', null)`).
 *
 * @param requirement - what the operation needs, or how to tell it from the request (its route parameters)
 */
export function fastifyAuthorization<Request extends FastifyRequest>(
  guard: Guard,
  requirement: Requirement | ((request: Request) => Requirement) = {},
): (request: Request, reply: FastifyReply) => Promise<FastifyReply | undefined> {
  return async (request, reply) => {
    const needed = typeof requirement === 'function' ? requirement(request) : requirement;
    const outcome = await guard.authorize(asItCame(request), needed);
    if (outcome.kind !== 'allowed') {
      return reply
        .code(outcome.status)
        .headers({ ...outcome.headers })
        .send(outcome.body);
    }
    request.authorization = outcome.authorization;
    return undefined;
  };
}

function asItCame({ raw, originalUrl }: FastifyRequest): GuardedRequest {
  const { headers, url, method, rawHeaders } = raw;
  return { headers, url, method, rawHeaders, originalUrl };
}
