import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Lets tools in browsers call from any origin. That is safe because nothing here is decided by a cookie: a
 * caller brings its token itself.
 *
 * @returns whether the request was a preflight and has been answered
 */
export function allowBrowsers(request: IncomingMessage, response: ServerResponse): boolean {
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader(
    'Access-Control-Expose-Headers',
    'WWW-Authenticate, Retry-After, Mcp-Session-Id, MCP-Protocol-Version',
  );
  if (request.method !== 'OPTIONS') return false;
  response.writeHead(204, {
    'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE',
    // The star covers what MCP adds later; it never covers Authorization, which is named for that reason.
    'Access-Control-Allow-Headers':
      'Authorization, DPoP, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID, *',
    'Access-Control-Max-Age': '600',
  });
  response.end();
  return true;
}
