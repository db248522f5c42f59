import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { type GuardedPlatform, startGuardedPlatform } from '../support/guarded-platform.ts';
import type { Answer, IntrospectionServer } from '../support/introspection-server.ts';

let mandate: IntrospectionServer;
let guarded: GuardedPlatform;
let origin: string;

beforeAll(async () => {
  guarded = await startGuardedPlatform();
  ({ mandate, origin } = guarded);
});

afterAll(() => guarded.stop());

beforeEach(() => {
  mandate.down = false;
  mandate.asked.length = 0;
  mandate.answers.clear();
  mandate.answers.set('acme-mcp full', token('atlas', ['flows:edit']));
  mandate.answers.set('acme-mcp reader', token('atlas', []));
  mandate.answers.set('acme-mcp reports', token('borealis', []));
});

/** What Mandate says of a token for one MCP server, with these actions on the server's project. */
function token(project: string, actions: string[]): Answer {
  const resource = `${origin}/mcp/${project}`;
  return {
    active: true,
    iss: mandate.issuer,
    token_type: 'Bearer',
    client_id: 'assistant',
    sub: 'usr_editor',
    username: 'editor@acme.test',
    aud: resource,
    exp: 4_000_000_000,
    scope: ['mcp', ...actions].join(' '),
    authorization_id: 'az_1',
    authorization_kind: 'oauth2',
    authorization_version: 7,
    authorization_details: [
      { type: 'project', identifier: 'prj_1', slug: project, roles: ['editor'], actions },
      { type: 'mcp_server', identifier: 'mcp_1', locations: [resource], actions: ['mcp'] },
    ],
    withheld: [],
  };
}

interface Session {
  call(name: string, args?: Record<string, unknown>): Promise<{ text: string; isError: boolean }>;
  tools(): Promise<string[]>;
  close(): Promise<void>;
  revision?: string | undefined;
}

function bearer(value: string) {
  return { requestInit: { headers: { authorization: `Bearer ${value}` } } };
}

async function connectV2(path: string, value: string, mode: 'auto' | 'legacy' = 'legacy'): Promise<Session> {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(origin + path), bearer(value)));
  return {
    call: async (name, args = {}) => textOf(await client.callTool({ name, arguments: args })),
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    close: () => client.close(),
    revision: client.getNegotiatedProtocolVersion(),
  };
}

async function connectV1(path: string, value: string): Promise<Session> {
  const client = new ClientV1({ name: 'test', version: '1' });
  const transport = new TransportV1(new URL(origin + path), bearer(value));
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  return {
    call: async (name, args = {}) => textOf(await client.callTool({ name, arguments: args })),
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    close: () => client.close(),
  };
}

function textOf(result: unknown): { text: string; isError: boolean } {
  const { content, isError } = result as { content: { text: string }[]; isError?: boolean };
  return { text: content[0]?.text ?? '', isError: isError === true };
}

const clients = [
  ['@modelcontextprotocol/client', (path: string, value: string) => connectV2(path, value)],
  [
    '@modelcontextprotocol/client, newest revision',
    (path: string, value: string) => connectV2(path, value, 'auto'),
  ],
  ['@modelcontextprotocol/sdk', connectV1],
] as const;

test.each(clients)('%s lists tools, creates a flow and is told who it acts for', async (_, connect) => {
  const session = await connect('/mcp/atlas', 'full');
  expect(await session.tools()).toEqual(['list_flows', 'create_flow', 'whoami']);
  const created = await session.call('create_flow', { name: 'From an assistant' });
  expect(JSON.parse(created.text)).toMatchObject({ name: 'From an assistant' });
  expect((await session.call('list_flows')).text).toContain('From an assistant');
  expect(JSON.parse((await session.call('whoami')).text)).toMatchObject({
    username: 'editor@acme.test',
    scopes: ['mcp', 'flows:edit'],
  });
  await session.close();
});

test.each(clients)('%s reads reports of borealis', async (_, connect) => {
  const session = await connect('/mcp/borealis', 'reports');
  expect(JSON.parse((await session.call('list_reports')).text)).toHaveLength(2);
  expect((await session.call('read_report', { id: 'rep_1' })).text).toContain('4 %');
  expect(await session.call('read_report', { id: 'none' })).toMatchObject({ isError: true });
  await session.close();
});

test.each(clients)('%s is refused the tool that needs more, and keeps the others', async (_, connect) => {
  const session = await connect('/mcp/atlas', 'reader');
  await expect(session.call('create_flow', { name: 'No' })).rejects.toThrow();
  expect((await session.call('list_flows')).text).not.toContain('"No"');
  await session.close();
});

test.each(clients)('%s loses its next call once the authorization is revoked', async (_, connect) => {
  const session = await connect('/mcp/atlas', 'full');
  await session.call('list_flows');
  mandate.answers.delete('acme-mcp full');
  await expect(session.call('list_flows')).rejects.toThrow();
  await session.close();
});

/** Calls a tool by hand, as a client of the 2025-06-18 revision does. */
function post(path: string, value: string | undefined, name: string, args: Record<string, unknown> = {}) {
  return fetch(origin + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2025-06-18',
      ...(value !== undefined && { authorization: `Bearer ${value}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
  });
}

test('challenges a client that knows the URL alone, so that it finds Mandate', async () => {
  const response = await post('/mcp/atlas', undefined, 'list_flows');
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toBe(
    `Bearer scope="mcp", resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp/atlas", ` +
      'DPoP algs="ES256 EdDSA Ed25519 RS256 PS256"',
  );
});

test('refuses a tool with 403 insufficient_scope, naming the scopes and the metadata', async () => {
  const response = await post('/mcp/atlas', 'reader', 'create_flow', { name: 'No' });
  expect(response.status).toBe(403);
  const challenge = response.headers.get('www-authenticate');
  expect(challenge).toContain('error="insufficient_scope"');
  expect(challenge).toContain('scope="mcp flows:edit"');
  expect(challenge).toContain(`resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp/atlas"`);
});

test('refuses a token of the other MCP server', async () => {
  const response = await post('/mcp/borealis', 'full', 'list_reports');
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"');
});

test('introspects every request, not only the first', async () => {
  for (let call = 0; call < 3; call += 1) await post('/mcp/atlas', 'full', 'list_flows');
  expect(mandate.asked).toEqual(['acme-mcp full', 'acme-mcp full', 'acme-mcp full']);
});

test('answers 503 while Mandate cannot tell', async () => {
  mandate.down = true;
  const response = await post('/mcp/atlas', 'full', 'list_flows');
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('7');
});

test('lets clients in browsers call, and read the challenge', async () => {
  const preflight = await fetch(`${origin}/mcp/atlas`, {
    method: 'OPTIONS',
    headers: {
      origin: 'http://inspector.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,mcp-protocol-version',
    },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
  expect(preflight.headers.get('access-control-allow-headers')).toMatch(
    /Authorization.*MCP-Protocol-Version/,
  );
  for (const value of [undefined, 'full']) {
    const response = await post('/mcp/atlas', value, 'list_flows');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate');
  }
});

test('serves both the newest revision and those with a handshake', async () => {
  const newest = await connectV2('/mcp/atlas', 'full', 'auto');
  const older = await connectV2('/mcp/atlas', 'full', 'legacy');
  expect([newest.revision, older.revision]).toEqual(['2026-07-28', '2025-11-25']);
  await newest.close();
  await older.close();
});
