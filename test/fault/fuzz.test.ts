/** R17: bent requests to every endpoint. None is answered with a 5xx, none goes unanswered, none holds up the others. */
import { test } from '@jest/globals';
import { signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { bentFormsEach, fuzz, fuzzingMayTake } from '../support/fuzz.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo } from '../support/mandate.ts';
import { pkce, tokenByCode } from '../support/oauth.ts';
import { basic } from '../support/race.ts';
import type { PlainRequest } from '../support/request-mutations.ts';

const each = bentFormsEach(20);
/** Which endpoints, by a part of their names: a run of many hours goes endpoint by endpoint. */
const only = process.env.FUZZ_ENDPOINT ?? '';
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

test.each(engines)(
  `${each} bent requests to each endpoint, on %s`,
  async (engine) => {
    await fuzz(engine, {
      scenario: 'every endpoint',
      each,
      requests: async ({ issuer }) =>
        (await recordRequests(issuer)).filter(({ name }) => name.includes(only)),
      named: (requests) => `${requests.length} endpoints`,
    });
  },
  fuzzingMayTake,
);

/** One good request to each endpoint, with what it needs to get far. */
async function recordRequests(issuer: string): Promise<PlainRequest[]> {
  const browser = createBrowserlessClient(issuer);
  const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
  const tokens = await tokenByCode(issuer, person, { scope: 'openid api flows:edit' }, browser);
  const owner = await signInToApi(issuer, 'owner@acme.test');
  const { challenge, verifier } = pkce();
  const request = {
    client_id: demo.web.id,
    response_type: 'code',
    redirect_uri: demo.web.redirect,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'state',
    scope: 'api flows:edit',
    resource: demo.api,
  };
  const consent = await browser.get(`/authorize?${new URLSearchParams(request)}`, { follow: true });
  const interaction = new URL(consent.url).pathname;
  const cookie = browser.cookieHeader(interaction);
  const page = { cookie, origin: issuer, 'sec-fetch-site': 'same-origin' };
  const api = {
    cookie: owner.cookie,
    'x-csrf-token': owner.csrf,
    origin: issuer,
    'sec-fetch-site': 'same-origin',
  };
  const web = basic(demo.web);
  const token = (form: Record<string, string>, headers: Record<string, string> = web): PlainRequest => ({
    name: `/token ${form.grant_type}`,
    method: 'POST',
    path: '/token',
    headers,
    form,
  });
  const get = (path: string, headers: Record<string, string> = {}): PlainRequest => ({
    name: path,
    method: 'GET',
    path,
    headers,
  });
  return [
    {
      name: '/authorize',
      method: 'GET',
      path: '/authorize',
      query: { ...request, prompt: 'login', ui_locales: 'de' },
    },
    { name: '/authorize signed in', method: 'GET', path: '/authorize', query: request, headers: { cookie } },
    { name: '/par', method: 'POST', path: '/par', form: request, headers: web },
    token({
      grant_type: 'authorization_code',
      code: 'code',
      redirect_uri: demo.web.redirect,
      code_verifier: verifier,
    }),
    token({ grant_type: 'refresh_token', refresh_token: 'not-a-token', scope: 'api', resource: demo.api }),
    token({ grant_type: 'client_credentials', scope: 'api', resource: demo.api }, basic(demo.ci)),
    token({ grant_type: deviceGrant, client_id: demo.cli.id, device_code: 'code' }, {}),
    {
      name: '/introspect',
      method: 'POST',
      path: '/introspect',
      headers: basic(demo.apiServer),
      form: { token: tokens.access_token ?? '', token_type_hint: 'access_token' },
    },
    {
      name: '/revoke',
      method: 'POST',
      path: '/revoke',
      headers: web,
      form: { token: 'x', token_type_hint: 'refresh_token' },
    },
    {
      name: '/register',
      method: 'POST',
      path: '/register',
      json: {
        client_name: 'A tool',
        redirect_uris: ['http://127.0.0.1:1/callback'],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
        scope: 'mcp',
        logo_uri: 'https://tool.example/logo.png',
        contacts: ['a@tool.example'],
      },
    },
    {
      name: '/device/auth',
      method: 'POST',
      path: '/device/auth',
      form: { client_id: demo.cli.id, scope: 'api', resource: demo.api },
    },
    { name: 'GET /device', method: 'GET', path: '/device', query: { user_code: 'BCDFG-HJKLM' } },
    {
      name: 'POST /device',
      method: 'POST',
      path: '/device',
      form: { xsrf: 'x', user_code: 'BCDFG-HJKLM', confirm: 'yes' },
      headers: page,
    },
    { name: 'GET interaction', method: 'GET', path: interaction, headers: { cookie } },
    {
      name: 'POST interaction',
      method: 'POST',
      path: interaction,
      headers: page,
      form: {
        csrf: 'x',
        capability: 'api',
        project: 'prj_x',
        'role:prj_x': 'rol_x',
        mcp_server: 'mcp_x',
        decision: 'authorize',
      },
    },
    {
      name: 'POST /sign-in',
      method: 'POST',
      path: '/sign-in',
      headers: page,
      form: { csrf: 'x', email: 'a@b.c', password: 'x', return_to: '/account' },
    },
    {
      name: '/session/end',
      method: 'GET',
      path: '/session/end',
      query: { id_token_hint: String(tokens.id_token ?? ''), post_logout_redirect_uri: 'x' },
    },
    { ...get('/userinfo', { authorization: `Bearer ${tokens.access_token}` }) },
    get('/jwks'),
    get('/.well-known/oauth-authorization-server'),
    get('/.well-known/openid-configuration'),
    get('/changes', { ...basic(demo.apiServer), 'last-event-id': 'x' }),
    get('/'),
    get('/account/authorizations', { cookie }),
    get('/admin/users', { cookie: owner.cookie }),
    {
      name: 'GET /api/v1/users',
      method: 'GET',
      path: '/api/v1/users',
      query: { limit: '10', after: 'usr_x', search: 'a' },
      headers: api,
    },
    {
      name: 'GET /api/v1/changes',
      method: 'GET',
      path: '/api/v1/changes',
      query: { limit: '10', subject: 'user', since: '0', before: '9' },
      headers: api,
    },
    {
      name: 'POST /api/v1/users',
      method: 'POST',
      path: '/api/v1/users',
      headers: api,
      json: { email: 'a@b.example', name: 'A', kind: 'person' },
    },
    {
      name: 'POST /api/v1/projects',
      method: 'POST',
      path: '/api/v1/projects',
      headers: api,
      json: { slug: 'delta', name: 'Delta' },
    },
    {
      name: 'POST /api/v1/api-keys',
      method: 'POST',
      path: '/api/v1/api-keys',
      headers: api,
      json: { name: 'k', capabilities: ['api'], roles: [], projects: [], mcp_servers: [] },
    },
    {
      name: 'POST /api/v1/simulate',
      method: 'POST',
      path: '/api/v1/simulate',
      headers: api,
      json: { change: { kind: 'suspend_user', user_id: 'usr_x' } },
    },
  ];
}
