import type { GuardedRequest } from './bearer-token.ts';
import type { ActiveIntrospection } from './introspection.ts';
import type { Guard, Refusal } from './require-authorization.ts';
import type { Requirement } from './verdict.ts';

/** The part of `http.ServerResponse` that a refusal needs. */
export interface NodeResponse {
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body: string): unknown;
}

/**
 * Guards a request on plain `node:http`.
 *
 * @returns what the token may do, or `undefined` when the request has been answered with a refusal
 */
export async function authorizeNode(
  guard: Guard,
  request: GuardedRequest,
  response: NodeResponse,
  requirement?: Requirement,
): Promise<ActiveIntrospection | undefined> {
  const outcome = await guard.authorize(request, requirement);
  if (outcome.kind === 'allowed') return outcome.authorization;
  writeRefusal(response, outcome);
  return undefined;
}

function writeRefusal(response: NodeResponse, refusal: Refusal): void {
  response.writeHead(refusal.status, { ...refusal.headers, 'Content-Type': 'application/json' });
  response.end(JSON.stringify(refusal.body));
}
