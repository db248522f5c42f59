/**
 * The example platform: an API and two MCP servers that take Mandate's tokens, and a website that logs people
 * in with Mandate. Owns the wiring; what a token may do is asked of Mandate at every request, through the kit.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import Koa from 'koa';
import {
  type CachedIntrospector,
  createCachedIntrospector,
  createDpopVerifier,
  createIntrospector,
  createUseReporter,
  protectedResourceMetadata,
  protectedResourceMetadataPath,
  requireAuthorization,
  type UseReporter,
} from '../../src/resource-server/index.ts';
import { createApi } from './api.ts';
import { createAtlasFlows } from './atlas-flows.ts';
import { createBorealisReports } from './borealis-reports.ts';
import { createContent } from './content.ts';
import { allowBrowsers } from './cross-origin.ts';
import { createMcpEndpoint, type McpEndpoint } from './mcp-endpoint.ts';
import { page, pageHeaders } from './page.ts';
import { startPage } from './start-page.ts';
import { createWebLogin } from './web-login.ts';

export interface PlatformOptions {
  readonly port: number;
  /** Canonical issuer of Mandate. */
  readonly issuer: string;
  /** Secret of the resource server `acme-api`. */
  readonly apiSecret: string;
  /** Secret of the resource server `acme-mcp`. */
  readonly mcpSecret: string;
  /** Secret of the client `acme-web`. */
  readonly webSecret: string;
  /** Where people and tools reach it; the only `Host` that it answers. */
  readonly origin: string;
  /** The address to listen on; loopback by default. */
  readonly listenAddress?: string;
  /** Whether answers are remembered while Mandate's change stream is provably in step; by default every request asks. */
  readonly cached?: boolean;
}

export interface Platform {
  /** Resolves once it listens. */
  start(): Promise<void>;
  /** Resolves once the port is free again; open connections are cut. */
  stop(): Promise<void>;
  readonly origin: string;
}

/** Makes the platform; nothing happens before `start`. */
export function createPlatform(options: PlatformOptions): Platform {
  const { issuer, origin } = options;
  const content = createContent();
  const caches: CachedIntrospector[] = [];
  const reporters: UseReporter[] = [];
  const introspectorAs = (clientId: string, clientSecret: string) => {
    const caller = { issuer, clientId, clientSecret };
    const introspector = createIntrospector(caller);
    const uses = createUseReporter({ ...caller, everyMilliseconds: 1_000 });
    reporters.push(uses);
    if (!options.cached) return { introspect: introspector.introspect, uses };
    const cached = createCachedIntrospector({ introspector, stream: caller });
    caches.push(cached);
    return { introspect: cached.introspect, uses };
  };
  // One memory of proofs for all of it; tokens that are not bound to a key are bearer tokens as before.
  const dpop = createDpopVerifier();
  const asApi = introspectorAs('acme-api', options.apiSecret);
  const asMcp = introspectorAs('acme-mcp', options.mcpSecret);

  const resources = {
    api: `${origin}/api`,
    atlas: `${origin}/mcp/atlas`,
    borealis: `${origin}/mcp/borealis`,
  };
  const documents = new Map(
    [
      { resource: resources.api, resourceName: 'Acme API', scopesSupported: ['api'] },
      { resource: resources.atlas, resourceName: 'atlas-flows', scopesSupported: ['mcp'] },
      { resource: resources.borealis, resourceName: 'borealis-reports', scopesSupported: ['mcp'] },
    ].map((described) => [
      protectedResourceMetadataPath(described.resource),
      JSON.stringify(
        protectedResourceMetadata({
          ...described,
          authorizationServers: [issuer],
          dpopSigningAlgorithms: dpop.algorithms,
        }),
      ),
    ]),
  );
  const mcpGuard = (resource: string) => requireAuthorization({ ...asMcp, dpop, resource, mcpServer: true });
  const mcpEndpoints = new Map<string, McpEndpoint>([
    [
      '/mcp/atlas',
      createMcpEndpoint(resources.atlas, mcpGuard(resources.atlas), () =>
        createAtlasFlows(content, (authorization, requirement) =>
          asMcp.uses.note(authorization, resources.atlas, requirement),
        ),
      ),
    ],
    [
      '/mcp/borealis',
      createMcpEndpoint(resources.borealis, mcpGuard(resources.borealis), () =>
        createBorealisReports(content),
      ),
    ],
  ]);

  const website = new Koa();
  website.use(async (ctx, next) => {
    if (ctx.path !== '/') return next();
    ctx.set({ ...pageHeaders });
    ctx.body = page('Acme platform', startPage(origin, issuer));
  });
  website.use(createApi(requireAuthorization({ ...asApi, dpop, resource: resources.api }), content));
  website.use(
    createWebLogin({ origin, issuer, clientSecret: options.webSecret, introspect: asApi.introspect }),
  );
  const serveWebsite = website.callback();

  const host = new URL(origin).host;
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A page elsewhere whose name was pointed at this machine brings its own name: DNS rebinding ends here.
    if (request.headers.host !== host) return answer(response, 421, 'text/plain', 'Misdirected request');
    const path = request.url?.split('?')[0] ?? '/';
    const document = documents.get(path);
    const mcpEndpoint = mcpEndpoints.get(path);
    const forTools = document !== undefined || mcpEndpoint !== undefined || `${path}/`.startsWith('/api/');
    if (forTools && allowBrowsers(request, response)) return;
    if (document !== undefined) return answer(response, 200, 'application/json', document);
    if (mcpEndpoint !== undefined) return mcpEndpoint.handle(request, response);
    return serveWebsite(request, response);
  }

  // Longer than clients keep a connection that is idle: none of them asks on one that is just being closed.
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    serve(request, response).catch((error: unknown) => {
      process.stderr.write(`platform: ${error instanceof Error ? error.stack : String(error)}\n`);
      if (!response.headersSent) answer(response, 500, 'text/plain', 'Internal server error');
      else response.destroy();
    });
  });

  return {
    origin,
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(options.port, options.listenAddress ?? 'localhost', () => {
          server.off('error', reject);
          resolve();
        });
      }),
    async stop() {
      for (const cache of caches) cache.close();
      await Promise.all(reporters.map((reporter) => reporter.flush()));
      for (const endpoint of mcpEndpoints.values()) await endpoint.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function answer(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'Content-Type': contentType, 'Cache-Control': 'no-store' }).end(body);
}
