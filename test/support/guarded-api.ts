/** A small API on a free port, guarded by the kit alone, as a resource server of the demo organization would wire it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  authorizeNode,
  createDpopVerifier,
  createIntrospector,
  requireAuthorization,
} from '../../src/resource-server/index.ts';
import { demo } from './mandate.ts';

export interface GuardedApi {
  /** Its audience. */
  readonly resource: string;
  stop(): Promise<void>;
}

/** Starts the demo's API at an origin; it takes bound tokens too. */
export async function startGuardedApi(issuer: string, origin: string): Promise<GuardedApi> {
  const { id: clientId, secret: clientSecret } = demo.apiServer;
  const resource = `${origin}/api`;
  const { introspect } = createIntrospector({ issuer, clientId, clientSecret });
  const guard = requireAuthorization({ introspect, resource, dpop: createDpopVerifier() });
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const authorization = await authorizeNode(guard, request, response);
    if (authorization) response.end(JSON.stringify({ hello: authorization.username }));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => void server.listen(Number(new URL(origin).port), resolve));
  return {
    resource,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
