import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type GuardedPlatform, startGuardedPlatform } from '../support/guarded-platform.ts';
import type { IntrospectionServer } from '../support/introspection-server.ts';

let mandate: IntrospectionServer;
let guarded: GuardedPlatform;
let origin: string;
let cookie: string;

beforeAll(async () => {
  guarded = await startGuardedPlatform();
  ({ mandate, origin } = guarded);
});

afterAll(() => guarded.stop());

beforeEach(() => {
  cookie = '';
  mandate.down = false;
  mandate.answers.set('acme-api web-token', {
    active: true,
    client_id: 'acme-web',
    sub: 'usr_editor',
    username: '<editor@acme.test>',
    aud: `${origin}/api`,
    exp: 4_000_000_000,
    scope: 'api flows:edit',
    authorization_id: 'az_1',
    authorization_kind: 'oauth2',
    authorization_version: 1,
    authorization_details: [
      { type: 'project', identifier: 'prj_1', slug: 'atlas', roles: ['editor'], actions: ['flows:edit'] },
    ],
    withheld: [{ dimension: 'project', identifier: 'prj_2', reason: 'owner_lost_access' }],
  });
});

/** Visits a page of the platform as one browser. */
async function visit(path: string, method = 'GET'): Promise<Response> {
  const response = await fetch(origin + path, { method, redirect: 'manual', headers: { cookie } });
  cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie;
  return response;
}

/** Starts a login, lets the authorization server agree, and returns the path of the callback. */
async function agree(changes: Record<string, string> = {}): Promise<string> {
  const asked = new URL((await visit('/login')).headers.get('location') ?? '').searchParams;
  mandate.code = { value: 'code-1', challenge: asked.get('code_challenge') ?? '', accessToken: 'web-token' };
  const answer = { code: 'code-1', state: asked.get('state') ?? '', iss: mandate.issuer, ...changes };
  return `/callback?${new URLSearchParams(answer)}`;
}

test('asks with PKCE S256, state and the API as the resource', async () => {
  const response = await visit('/login');
  const url = new URL(response.headers.get('location') ?? '');
  expect(url.origin + url.pathname).toBe(`${mandate.issuer}/authorize`);
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    client_id: 'acme-web',
    response_type: 'code',
    redirect_uri: `${origin}/callback`,
    resource: `${origin}/api`,
    code_challenge_method: 'S256',
    state: expect.stringMatching(/.{20}/),
  });
  expect(response.headers.getSetCookie()[0]).toMatch(/httponly/i);
});

test('exchanges the code and shows, at every refresh, what holds at that moment', async () => {
  const callback = await visit(await agree());
  expect(callback.status).toBe(303);
  expect(callback.headers.get('location')).toBe('/rights');

  const page = await (await visit('/rights')).text();
  expect(page).toContain('&#60;editor@acme.test&#62;');
  expect(page).toContain('Project atlas');
  expect(page).toContain('owner_lost_access');
  expect(page).not.toContain('web-token');

  mandate.answers.delete('acme-api web-token');
  expect(await (await visit('/rights')).text()).toContain('holds nothing any more');
  mandate.down = true;
  expect((await visit('/rights')).status).toBe(503);
});

test('revokes and forgets the token at logout', async () => {
  await visit(await agree());
  const signedIn = cookie;
  expect((await visit('/logout', 'POST')).headers.get('location')).toBe('/');
  expect(mandate.revoked).toContain('web-token');
  cookie = signedIn;
  expect((await visit('/rights')).headers.get('location')).toBe('/login');
});

test('says that a code arrived that it did not ask for, and neither uses nor shows it', async () => {
  const response = await visit('/callback?code=foreign-code&state=x');
  expect(response.status).toBe(200);
  const page = await response.text();
  expect(page).toContain('An authorization code arrived');
  expect(page).not.toContain('foreign-code');
});

test('does not take a callback of another login', async () => {
  const page = await visit(await agree({ state: 'forged' }));
  expect(await page.text()).toContain('nothing was done with');
  expect((await visit('/rights')).headers.get('location')).toBe('/login');
});

test.each<[string, Record<string, string>]>([
  ['another issuer answered', { iss: 'https://evil.example' }],
  ['the code is not good', { code: 'another' }],
  ['the person declined', { error: 'access_denied' }],
])('does not log in when %s', async (_, changes) => {
  const response = await visit(await agree(changes));
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('The login did not complete');
});
