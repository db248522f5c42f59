import { get } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
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
  mandate.answers.set('acme-api editor', editor());
});

/** What Mandate says of a token of editor@acme.test for the API. */
function editor(changes: Answer = {}): Answer {
  return {
    active: true,
    iss: mandate.issuer,
    token_type: 'Bearer',
    client_id: 'mandate-cli',
    sub: 'usr_editor',
    username: 'editor@acme.test',
    aud: `${origin}/api`,
    exp: 4_000_000_000,
    scope: 'api apps:view flows:edit',
    authorization_id: 'az_1',
    authorization_kind: 'oauth2',
    authorization_version: 7,
    authorization_details: [
      { type: 'project', identifier: 'prj_1', slug: 'atlas', roles: ['editor'], actions: ['flows:edit'] },
      { type: 'project', identifier: 'prj_2', slug: 'borealis', roles: ['viewer'], actions: [] },
    ],
    withheld: [{ dimension: 'project', identifier: 'prj_3', reason: 'owner_lost_access' }],
    ...changes,
  };
}

/** Calls the API with a token; a body makes it a POST unless told. */
function call(
  path: string,
  options: { token?: string; body?: unknown; method?: string } = {},
): Promise<Response> {
  const { token = 'editor', body, method = body === undefined ? 'GET' : 'POST' } = options;
  return fetch(`${origin}/api${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}

test('lists the projects of the authorization, with what may be done on each', async () => {
  const response = await call('/projects');
  expect(await response.json()).toEqual({
    projects: [
      { id: 'prj_1', slug: 'atlas', actions: ['flows:edit'] },
      { id: 'prj_2', slug: 'borealis', actions: [] },
    ],
  });
});

test('lists flows of a project it reaches, and creates one where flows:edit holds', async () => {
  const created = await call('/projects/atlas/flows', { body: { name: 'From a test' } });
  expect(created.status).toBe(201);
  const flow = await created.json();
  expect(flow).toMatchObject({ name: 'From a test' });
  const listed = (await (await call('/projects/atlas/flows')).json()) as { flows: unknown[] };
  expect(listed.flows).toContainEqual(flow);
  expect((await call('/projects/borealis/flows')).status).toBe(200);
});

test('refuses to create a flow where flows:edit does not hold, naming the scope needed', async () => {
  const refused = await call('/projects/borealis/flows', { body: { name: 'No' } });
  const page = `${mandate.issuer}/account/authorizations/az_1?add=flows%3Aedit&project=borealis`;
  expect(refused.status).toBe(403);
  expect(refused.headers.get('www-authenticate')).toBe(
    'Bearer error="insufficient_scope", error_description="The authorization lacks flows:edit on this project", ' +
      `scope="flows:edit", resource_metadata="${origin}/.well-known/oauth-protected-resource/api", ` +
      `authorization_page="${page}", DPoP algs="ES256 EdDSA Ed25519 RS256 PS256"`,
  );
  expect(await refused.json()).toMatchObject({
    error: 'insufficient_scope',
    scope: 'flows:edit',
    authorization_page: page,
  });
});

test('refuses a project outside the authorization alike, whether or not it exists', async () => {
  const existing = await call('/projects/cygnus/flows');
  const missing = await call('/projects/no-such-project/flows');
  expect(existing.status).toBe(403);
  expect(missing.status).toBe(403);
  expect((await existing.text()).replaceAll('cygnus', 'no-such-project')).toBe(await missing.text());
});

test('shows the next change of rights in the next request, with the same token', async () => {
  expect((await call('/projects/atlas/flows', { body: { name: 'One' } })).status).toBe(201);
  mandate.answers.set('acme-api editor', editor({ scope: 'api', authorization_details: [] }));
  expect((await call('/projects/atlas/flows', { body: { name: 'Two' } })).status).toBe(403);
  mandate.answers.delete('acme-api editor');
  const revoked = await call('/projects/atlas/flows');
  expect(revoked.status).toBe(401);
  expect(revoked.headers.get('www-authenticate')).toContain('error="invalid_token"');
});

test('challenges a request without a token, also for paths that do not exist', async () => {
  for (const path of ['/projects', '/no-such-route']) {
    const response = await fetch(`${origin}/api${path}`);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer (scope="api", )?resource_metadata="/);
  }
  expect((await call('/no-such-route')).status).toBe(404);
});

test('refuses a token in the query', async () => {
  expect((await fetch(`${origin}/api/projects?access_token=editor`)).status).toBe(400);
});

test('answers 503 with Retry-After while Mandate cannot tell', async () => {
  mandate.down = true;
  const response = await call('/projects');
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('7');
  expect(response.headers.get('www-authenticate')).toBeNull();
});

test('keeps secrets to secrets:edit and never reads a value back', async () => {
  const put = { method: 'PUT', body: { name: 'API_TOKEN', value: 'hush' } };
  expect((await call('/projects/atlas/secrets', put)).status).toBe(403);
  const atlas = {
    type: 'project',
    identifier: 'prj_1',
    slug: 'atlas',
    roles: ['admin'],
    actions: ['secrets:edit'],
  };
  mandate.answers.set(
    'acme-api editor',
    editor({ scope: 'api secrets:edit', authorization_details: [atlas] }),
  );
  expect((await call('/projects/atlas/secrets', put)).status).toBe(204);
  const listed = await (await call('/projects/atlas/secrets')).text();
  expect(listed).toContain('API_TOKEN');
  expect(listed).not.toContain('hush');
});

test('shows apps with apps:view and adds them with apps:admin', async () => {
  expect(await (await call('/apps')).json()).toHaveProperty('apps');
  expect((await call('/apps', { body: { name: 'New' } })).status).toBe(403);
  mandate.answers.set('acme-api editor', editor({ scope: 'api apps:view apps:admin' }));
  expect((await call('/apps', { body: { name: 'New' } })).status).toBe(201);
});

test('runs an endpoint with endpoints:access, for the owner', async () => {
  expect((await call('/projects/atlas/endpoints/run-import', { method: 'POST' })).status).toBe(403);
  const atlas = {
    type: 'project',
    identifier: 'prj_1',
    slug: 'atlas',
    roles: [],
    actions: ['endpoints:access'],
  };
  mandate.answers.set('acme-api editor', editor({ authorization_details: [atlas] }));
  const ran = await call('/projects/atlas/endpoints/run-import', { method: 'POST' });
  expect(await ran.json()).toEqual({ ran: 'Nightly import', on_behalf_of: 'editor@acme.test' });
  expect((await call('/projects/atlas/endpoints/none', { method: 'POST' })).status).toBe(404);
});

test.each([
  ['not JSON', '{', 400],
  ['without a name', {}, 400],
  ['with a field too many', { name: 'a', owner: 'b' }, 400],
  ['too large', { name: 'x'.repeat(20_000) }, 413],
])('refuses a body that is %s', async (_, body, status) => {
  const response = await call('/projects/atlas/flows', { body });
  expect(response.status).toBe(status);
  expect(await response.json()).toHaveProperty('error_description');
});

test.each([
  ['/api', 'Acme API', 'api'],
  ['/mcp/atlas', 'atlas-flows', 'mcp'],
  ['/mcp/borealis', 'borealis-reports', 'mcp'],
])('describes %s at its well-known place (RFC 9728)', async (path, name, scope) => {
  const response = await fetch(`${origin}/.well-known/oauth-protected-resource${path}`);
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(await response.json()).toEqual({
    resource: origin + path,
    authorization_servers: [mandate.issuer],
    scopes_supported: [scope],
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256'],
    resource_name: name,
  });
});

test.each(['/', '/api/projects', '/mcp/atlas', '/.well-known/oauth-protected-resource/api'])(
  'answers 421 on %s to a foreign Host, as DNS rebinding brings it',
  async (path) => {
    const status = await new Promise((resolve, reject) => {
      get(`${origin}${path}`, { headers: { host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });
    expect(status).toBe(421);
  },
);

test('says on its first page what it is, under a strict policy', async () => {
  const response = await fetch(origin);
  expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
  expect(await response.text()).toContain('Log in with Mandate');
});
