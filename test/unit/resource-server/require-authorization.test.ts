import { expect, test } from '@jest/globals';
import {
  type ActiveIntrospection,
  type GuardedRequest,
  type Introspection,
  IntrospectionUnavailable,
  judge,
  type Requirement,
  requireAuthorization,
} from '../../../src/resource-server/index.ts';
import { activeAnswer } from './active-answer.ts';

const metadata = 'resource_metadata="https://acme.example/.well-known/oauth-protected-resource/api"';
const withToken = { headers: { authorization: 'Bearer good' } };

function guard(
  answer: Introspection | Error,
  always: Requirement = {},
  resource = 'https://acme.example/api',
) {
  const introspect = async () => {
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return requireAuthorization({ introspect, resource, ...always });
}

test('challenges a request without a token, naming the metadata and the scope but no error', async () => {
  const outcome = await guard(activeAnswer()).authorize({ headers: {} }, { scopes: ['api'] });
  expect(outcome).toMatchObject({ kind: 'challenge', status: 401 });
  expect(outcome).toHaveProperty('headers.WWW-Authenticate', `Bearer scope="api", ${metadata}`);
  expect(outcome).not.toHaveProperty('body.error');
});

test('takes another scheme for no token at all', async () => {
  const outcome = await guard(activeAnswer()).authorize({ headers: { authorization: 'Basic Zm9vOmJhcg==' } });
  expect(outcome).toHaveProperty('headers.WWW-Authenticate', `Bearer ${metadata}`);
});

test.each<[string, GuardedRequest]>([
  ['alone', { headers: {}, url: '/api/projects?x=1&access_token=good' }],
  ['beside a header', { ...withToken, url: 'https://acme.example/api?access_token=good' }],
])('refuses a token in the query, %s', async (_, request) => {
  const outcome = await guard(activeAnswer()).authorize(request);
  expect(outcome).toMatchObject({ kind: 'challenge', status: 400, body: { error: 'invalid_request' } });
});

test.each([
  'Bearer',
  'Bearer ',
  'Bearer a b',
  'Bearer "x"',
  'Bearer a, Bearer b',
  `Bearer ${'a'.repeat(5000)}`,
])('refuses the malformed header %j without asking', async (authorization) => {
  const outcome = await guard(new Error('asked')).authorize({ headers: { authorization } });
  expect(outcome).toMatchObject({ kind: 'challenge', status: 401, body: { error: 'invalid_token' } });
});

test('reads web-standard headers and any case of the scheme', async () => {
  const headers = new Headers({ authorization: 'bEARER good' });
  expect(await guard(activeAnswer()).authorize({ headers })).toMatchObject({ kind: 'allowed' });
});

test('challenges an inactive token with invalid_token', async () => {
  const outcome = await guard({ active: false }).authorize(withToken);
  expect(outcome).toMatchObject({ kind: 'challenge', status: 401 });
  expect(outcome).toHaveProperty(
    'headers.WWW-Authenticate',
    `Bearer error="invalid_token", error_description="The token is not active", ${metadata}`,
  );
});

test('answers 503 with Retry-After when it cannot be told what the token may do', async () => {
  const outcome = await guard(new IntrospectionUnavailable('status', { retryAfterSeconds: 7 })).authorize(
    withToken,
  );
  expect(outcome).toMatchObject({
    kind: 'unavailable',
    status: 503,
    headers: { 'Retry-After': '7', 'Cache-Control': 'no-store' },
    body: { error: 'temporarily_unavailable' },
  });
});

test('does not take a bug for an outage', async () => {
  await expect(guard(new TypeError('bug')).authorize(withToken)).rejects.toThrow('bug');
});

test.each<[string, Requirement]>([
  ['nothing', {}],
  ['a scope', { scopes: ['api'] }],
  ['a capability anywhere', { capability: 'flows:edit' }],
  ['a project', { scopes: ['api'], project: 'borealis' }],
  ['a capability on a project', { capability: 'flows:edit', project: 'atlas' }],
])('allows a token that meets a requirement of %s', async (_, requirement) => {
  const outcome = await guard(activeAnswer()).authorize(withToken, requirement);
  expect(outcome).toEqual({ kind: 'allowed', authorization: activeAnswer() });
});

test.each<[string, Requirement, string]>([
  ['lacks a scope', { scopes: ['apps:view'] }, 'apps:view'],
  ['lacks a capability', { capability: 'apps:admin' }, 'apps:admin'],
  [
    'has the capability on another project only',
    { capability: 'flows:edit', project: 'borealis' },
    'flows:edit',
  ],
  [
    'does not reach the project',
    { scopes: ['api'], capability: 'flows:edit', project: 'cygnus' },
    'api flows:edit',
  ],
])('answers 403 with the scope needed when the token %s', async (_, requirement, scope) => {
  const outcome = await guard(activeAnswer()).authorize(withToken, requirement);
  expect(outcome).toMatchObject({
    kind: 'challenge',
    status: 403,
    body: { error: 'insufficient_scope', scope },
  });
  expect(outcome).toHaveProperty(
    'headers.WWW-Authenticate',
    expect.stringMatching(
      new RegExp(`^Bearer error="insufficient_scope", .*scope="${scope}", resource_metadata=`),
    ),
  );
});

test('adds what an operation needs to what the resource always needs', async () => {
  const strict = guard(activeAnswer({ scope: 'api' }), { scopes: ['mcp'] });
  const outcome = await strict.authorize(withToken, { scopes: ['api'] });
  expect(outcome).toMatchObject({ status: 403, body: { scope: 'mcp api' } });
});

test.each<[string, Requirement, Requirement]>([
  [
    'a capability beside another one',
    { capability: 'apps:view' },
    { capability: 'flows:edit', project: 'atlas' },
  ],
  ['a capability on a project', { capability: 'flows:edit', project: 'borealis' }, { capability: 'api' }],
  ['a project beside another one', { project: 'cygnus' }, { capability: 'flows:edit', project: 'atlas' }],
])(
  'what the resource always needs is not replaced by what an operation needs: %s',
  async (_, always, own) => {
    const token = activeAnswer({ scope: 'api flows:edit' });
    expect(await guard(token).authorize(withToken, own)).toMatchObject({ kind: 'allowed' });
    expect(await guard(token, always).authorize(withToken, own)).toMatchObject({ status: 403 });
  },
);

test('links to what the resource always needs where that is what is missing', async () => {
  const outcome = await guard(activeAnswer(), { project: 'cygnus' }).authorize(withToken, {
    project: 'atlas',
  });
  expect(outcome).toHaveProperty('body.authorization_page', expect.stringMatching(/\?project=cygnus$/));
});

test.each([
  ['a project', 'capability', { capability: 'flows:edit', project: undefined }],
  ['a project that is null', 'capability', { capability: 'flows:edit', project: null }],
  ['a capability', 'project', { project: 'atlas', capability: undefined }],
  ['scopes', 'nothing else', { scopes: undefined }],
])(
  'takes %s that is named and has no value for what no token holds, never for any',
  async (_what, _beside, own) => {
    // As of a route parameter that is not there, or a table of methods without this one; types do not tell everybody.
    const requirement = own as unknown as Requirement;
    const always = { project: 'atlas', scopes: ['api'], capability: 'flows:edit' };
    for (const guarded of [guard(activeAnswer()), guard(activeAnswer(), always)]) {
      const outcome = await guarded.authorize(withToken, requirement);
      expect(outcome).toMatchObject({ status: 403, body: { error: 'insufficient_scope' } });
      expect(outcome).not.toHaveProperty('body.authorization_page');
    }
    expect(await guard(activeAnswer(), requirement).authorize(withToken)).toMatchObject({ status: 403 });
    expect(judge(activeAnswer(), 'https://acme.example/api', requirement)).toMatchObject({
      kind: 'insufficient_scope',
    });
  },
);

test.each<[string, Partial<ActiveIntrospection>]>([
  ['meant for another resource', { aud: 'https://acme.example/mcp/atlas' }],
  ['meant for no resource', { aud: [] }],
  ['bound to a key', { cnf: { jkt: 'thumbprint' } }],
])('refuses a token that is %s', async (_, changes) => {
  const outcome = await guard(activeAnswer(changes)).authorize(withToken);
  expect(outcome).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
});

test('takes an oauth2 token without an audience for nobody’s, and an API key for its own', async () => {
  const { aud: _, ...unaimed } = activeAnswer();
  expect(await guard(unaimed).authorize(withToken)).toMatchObject({ status: 401 });
  const key = { ...unaimed, authorization_kind: 'api_key' as const };
  expect(await guard(key).authorize(withToken)).toMatchObject({ kind: 'allowed' });
});

test('lets a token into an MCP server only while it reaches that one', async () => {
  const resource = 'https://acme.example/mcp/atlas';
  const server = (location: string) => ({
    type: 'mcp_server' as const,
    identifier: 'mcp_1',
    locations: [location],
    actions: ['mcp'],
  });
  const token = activeAnswer({ aud: resource, scope: 'mcp', authorization_details: [server(resource)] });
  const always = { mcpServer: true };
  expect(await guard(token, always, resource).authorize(withToken)).toMatchObject({ kind: 'allowed' });

  const elsewhere = { ...token, authorization_details: [server('https://acme.example/mcp/borealis')] };
  expect(await guard(elsewhere, always, resource).authorize(withToken)).toMatchObject({
    status: 403,
    body: { error: 'insufficient_scope', scope: 'mcp' },
  });
});
