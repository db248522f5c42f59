import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import {
  type ActiveIntrospection,
  projectAccess,
  type Requirement,
  scopesOf,
} from '../../src/resource-server/index.ts';
import type { Content } from './content.ts';
import { authorizationOf } from './mcp-endpoint.ts';

/**
 * The MCP server `atlas-flows`: the flows of project atlas.
 * @param used told what a tool used beyond the server itself, which the guard tells
 */
export function createAtlasFlows(
  content: Content,
  used: (authorization: ActiveIntrospection, requirement: Requirement) => void,
): McpServer {
  const server = new McpServer({ name: 'atlas-flows', version: '1.0.0' });

  server.registerTool(
    'list_flows',
    {
      title: 'List flows',
      description: 'Lists the flows of project atlas.',
      annotations: { readOnlyHint: true },
    },
    () => text(JSON.stringify(content.project('atlas').flows)),
  );

  server.registerTool(
    'create_flow',
    {
      title: 'Create a flow',
      description: 'Creates a flow in project atlas.',
      inputSchema: z.object({ name: z.string().trim().min(1).max(100).describe('Name of the new flow') }),
      // Answered as HTTP 403 insufficient_scope before the tool runs, so that the client can ask for more.
      scopeChallenge: ({ authInfo }) => {
        const access = projectAccess(authorizationOf(authInfo), 'atlas');
        if (access?.actions.includes('flows:edit')) return undefined;
        return {
          scopes: ['mcp', 'flows:edit'],
          errorDescription: 'Creating flows needs flows:edit on atlas',
        };
      },
    },
    ({ name }, context) => {
      used(authorizationOf(context.http?.authInfo), { capability: 'flows:edit', project: 'atlas' });
      return text(JSON.stringify(content.addFlow('atlas', name)));
    },
  );

  server.registerTool(
    'whoami',
    {
      title: 'Who am I',
      description: 'Says for whom this tool acts, and what it may do right now.',
      annotations: { readOnlyHint: true },
    },
    (context) => {
      const authorization = authorizationOf(context.http?.authInfo);
      return text(
        JSON.stringify({
          username: authorization.username ?? authorization.sub,
          client_id: authorization.client_id,
          authorization_id: authorization.authorization_id,
          scopes: scopesOf(authorization),
          authorization_details: authorization.authorization_details,
        }),
      );
    },
  );

  return server;
}

function text(value: string): { content: { type: 'text'; text: string }[] } {
  return { content: [{ type: 'text', text: value }] };
}
