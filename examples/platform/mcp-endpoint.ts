import type { IncomingMessage, ServerResponse } from 'node:http';
import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node';
import { type AuthInfo, createMcpHandler, type McpServer } from '@modelcontextprotocol/server';
import {
  type ActiveIntrospection,
  authorizeNode,
  type Guard,
  mcpAuthInfo,
  readCredential,
} from '../../src/resource-server/index.ts';

/** One MCP server over Streamable HTTP, without sessions: each request stands, and is introspected, for itself. */
export interface McpEndpoint {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  close(): Promise<void>;
}

/**
 * Puts an MCP server behind a guard. The guard asks Mandate at every HTTP request; tools then find what the
 * token may do with `authorizationOf`.
 *
 * @param resource - URL of the MCP server, as registered with Mandate
 * @param createServer - makes a fresh server for one request
 */
export function createMcpEndpoint(
  resource: string,
  guard: Guard,
  createServer: () => McpServer,
): McpEndpoint {
  const handler = createMcpHandler(createServer);
  const serve = toNodeHandler(handler);
  return {
    async handle(request, response) {
      const authorization = await authorizeNode(guard, request, response);
      const credential = readCredential(request, { dpop: true });
      if (authorization === undefined || credential.kind !== 'token') return;
      const carrying: object = Object.assign(request, {
        auth: mcpAuthInfo(credential.token, authorization, resource),
      });
      await serve(carrying as NodeIncomingMessageLike, response);
    },
    close: () => handler.close(),
  };
}

/** What the token of this call may do right now; the guard has put it there. */
export function authorizationOf(authInfo: AuthInfo | undefined): ActiveIntrospection {
  const authorization = authInfo?.extra?.authorization;
  if (authorization === undefined) throw new Error('An MCP request reached a tool without passing the guard');
  return authorization as ActiveIntrospection;
}
