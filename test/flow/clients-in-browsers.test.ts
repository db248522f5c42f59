/** What a client that runs in a browser may read, endpoint by endpoint: 11 of "What real clients need". */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { codeFlow, registerClient } from '../support/oauth-requests.ts';

/** A page of the client, at the origin of its redirect. */
const origin = 'https://app.example';
const redirectUri = `${origin}/callback`;

let mandate: TestMandate;
let clientId = '';
let accessToken = '';
beforeAll(async () => {
  mandate = await startMandate();
  const { client_id: id } = await registerClient(mandate.issuer, redirectUri);
  clientId = String(id);
  const { body } = await codeFlow(mandate.issuer, {
    clientId,
    redirectUri,
    request: { scope: 'openid' },
  });
  accessToken = body.access_token ?? '';
});
afterAll(() => mandate.stop());

/** Every endpoint that such a client uses, with a request that its own page would send. */
const endpoints: [path: string, method: 'GET' | 'POST', headers: string, init: () => RequestInit][] = [
  ['/.well-known/oauth-authorization-server', 'GET', 'mcp-protocol-version', () => ({})],
  ['/.well-known/openid-configuration', 'GET', 'mcp-protocol-version', () => ({})],
  ['/jwks', 'GET', 'mcp-protocol-version', () => ({})],
  [
    '/register',
    'POST',
    'content-type,mcp-protocol-version,authorization',
    () => ({ body: JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' }) }),
  ],
  ['/token', 'POST', 'authorization,dpop,mcp-protocol-version', () => form({ grant_type: 'refresh_token' })],
  ['/revoke', 'POST', 'authorization,mcp-protocol-version', () => form({ token: 'unknown' })],
  ['/par', 'POST', 'authorization,dpop,mcp-protocol-version', () => form({ response_type: 'code' })],
  ['/device/auth', 'POST', 'authorization,mcp-protocol-version', () => form({ scope: 'api' })],
  [
    '/userinfo',
    'GET',
    'authorization,dpop,mcp-protocol-version',
    () => ({ headers: { Authorization: `Bearer ${accessToken}` } }),
  ],
];

function form(fields: Record<string, string>): RequestInit {
  return { body: new URLSearchParams({ client_id: clientId, ...fields }) };
}

const send = (path: string, method: string, init: RequestInit, from = origin) =>
  fetch(mandate.issuer + path, {
    ...init,
    method,
    headers: { 'Content-Type': contentType(path), ...(init.headers as object), Origin: from },
  });

function contentType(path: string): string {
  return path === '/register' ? 'application/json' : 'application/x-www-form-urlencoded';
}

describe.each(endpoints)('11. %s', (path, method, headers, init) => {
  test('lets the preflight pass, without credentials', async () => {
    const { status, headers: answered } = await fetch(mandate.issuer + path, {
      method: 'OPTIONS',
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': method,
        'Access-Control-Request-Headers': headers,
      },
    });
    expect(status).toBe(204);
    expect([origin, '*']).toContain(answered.get('access-control-allow-origin'));
    expect(answered.get('access-control-allow-methods')).toContain(method);
    const allowed = answered.get('access-control-allow-headers')?.toLowerCase().split(/, ?/);
    expect(allowed).toEqual(expect.arrayContaining(headers.split(',')));
    expect(answered.get('access-control-allow-credentials')).toBeNull();
  });

  test('is read by the page, with what says why and when to come back', async () => {
    const { headers: answered } = await send(path, method, init());
    expect([origin, '*']).toContain(answered.get('access-control-allow-origin'));
    expect(answered.get('access-control-allow-credentials')).toBeNull();
    expect(answered.get('access-control-expose-headers')?.split(', ')).toEqual(
      expect.arrayContaining(['WWW-Authenticate', 'DPoP-Nonce', 'Retry-After']),
    );
  });
});

test.each(endpoints.filter(([path]) => /^\/(token|revoke|par|device|userinfo)/.test(path)))(
  '%s is not read by a page elsewhere, nor by one without an origin',
  async (path, method, _headers, init) => {
    for (const elsewhere of ['https://evil.example', 'null']) {
      const { headers } = await send(path, method, init(), elsewhere);
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  },
);

test('a confidential client is read by no page, its own origin or not', async () => {
  const fields = { client_id: demo.web.id, grant_type: 'refresh_token', refresh_token: 'x' };
  const { headers } = await send(
    '/token',
    'POST',
    { body: new URLSearchParams(fields) },
    'http://localhost:4100',
  );
  expect(headers.get('access-control-allow-origin')).toBeNull();
});

test.each(['/introspect', '/changes', '/uses', '/api/v1/clients'])(
  '%s is for no page at all',
  async (path) => {
    for (const method of ['OPTIONS', 'POST']) {
      const { headers } = await send(path, method, method === 'POST' ? form({ token: 'x' }) : {});
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  },
);

test('a page that asks too often reads when to come back', async () => {
  const refused = { grant_type: 'refresh_token', refresh_token: 'wrong' };
  let answer = await send('/token', 'POST', form(refused));
  for (let tries = 0; tries < 310 && answer.status !== 429; tries++) {
    await answer.arrayBuffer();
    answer = await send('/token', 'POST', form(refused));
  }
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([429, '*']);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(answer.headers.get('access-control-expose-headers')).toContain('Retry-After');
});
