/** A site whose people sign in with better-auth's generic OAuth plugin, set up as its own documentation does. */
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { toNodeHandler } from 'better-auth/node';
import { genericOAuth } from 'better-auth/plugins';
import { createCookieJar } from '../support/cookie-jar.ts';
import { freePort } from '../support/free-port.ts';
import { type BrowserlessClient, createBrowserlessClient, type Page } from '../support/http.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect } from '../support/oauth.ts';
import { registerClient, signInIfAsked } from '../support/oauth-requests.ts';

type Json = Record<string, unknown>;

/** The part of a site that better-auth is, on a port of its own. */
interface Site {
  readonly origin: string;
  /** What is in its database. */
  readonly rows: Readonly<Record<'user' | 'account' | 'session' | 'verification', Json[]>>;
  stop(): Promise<void>;
}

let mandate: TestMandate;
beforeAll(async () => {
  mandate = await startMandate();
});
afterAll(() => mandate.stop());

/** Starts a site; its database is in memory. */
async function startSite({ confidential }: { confidential: boolean }): Promise<Site> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const client = await registerClient(mandate.issuer, `${origin}/api/auth/callback/mandate`, {
    client_name: 'A site',
    post_logout_redirect_uris: [`${origin}/bye`],
    // What better-auth does with a secret unless it is told otherwise.
    token_endpoint_auth_method: confidential ? 'client_secret_post' : 'none',
  });
  const rows = { user: [], account: [], session: [], verification: [] };
  const auth = betterAuth({
    baseURL: origin,
    secret: 'a-secret-of-a-site-that-a-test-alone-has',
    database: memoryAdapter(rows),
    telemetry: { enabled: false },
    plugins: [
      genericOAuth({
        config: [
          {
            providerId: 'mandate',
            clientId: String(client.client_id),
            ...(confidential
              ? { clientSecret: String(client.client_secret) }
              : { tokenEndpointAuth: { method: 'none' } }),
            discoveryUrl: `${mandate.issuer}/.well-known/openid-configuration`,
            scopes: ['openid', 'profile', 'email', 'api', 'flows:edit'],
            pkce: true,
            requireIdTokenVerification: true,
          },
        ],
      }),
    ],
  });
  const server = createServer(toNodeHandler(auth));
  await new Promise<void>((resolve) => void server.listen(port, resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { origin, rows, stop };
}

/** A person's browser at the site: its page's scripts call the site's own API. */
function openSite({ origin }: Site) {
  const jar = createCookieJar();
  const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const { pathname } = new URL(path, origin);
    const headers = { Origin: origin, Cookie: jar.headerFor(pathname), ...(init.headers as object) };
    const response = await fetch(new URL(path, origin), { ...init, headers, redirect: 'manual' });
    jar.keep(response.headers, pathname);
    return response;
  };
  const read = async (response: Response): Promise<Json> => {
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${text}`);
    return JSON.parse(text) as Json;
  };
  return {
    get: async (path: string) => read(await request(`/api/auth${path}`)),
    post: async (path: string, body: Json) =>
      read(
        await request(`/api/auth${path}`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify(body),
        }),
      ),
    /** Follows a redirect to the site. @returns where the site leads next */
    arrive: async (address: string) => (await request(address)).headers.get('location'),
  };
}

describe.each([
  ['with a secret', true],
  ['as a public client', false],
])('better-auth %s', (_, confidential) => {
  let site: Site;
  let browser: ReturnType<typeof openSite>;
  let person: BrowserlessClient;
  let accountId: string;

  beforeAll(async () => {
    site = await startSite({ confidential });
    browser = openSite(site);
    person = createBrowserlessClient(mandate.issuer);
  });
  afterAll(() => site.stop());

  /** Presses the site's button. @returns Mandate's consent page */
  async function press(): Promise<Page> {
    const { url } = await browser.post('/sign-in/social', {
      provider: 'mandate',
      callbackURL: '/home',
      errorCallbackURL: '/sorry',
    });
    return signInIfAsked(person, await person.get(String(url), { follow: true }));
  }
  const tokens = (path: string) => browser.post(path, { accountId });

  test('shows the person its error page when they deny', async () => {
    const { location } = await person.submit(await press(), 'Deny', {}, { follow: true });
    expect(await browser.arrive(location ?? '')).toMatch(/^\/sorry\?error=access_denied/);
    expect(site.rows.session).toEqual([]);
  });

  test('signs them in by discovery, PKCE, iss, nonce and a verified ID token', async () => {
    const choice = { api: true, 'flows:edit': true, atlas: true };
    const { location } = await person.submit(await press(), 'Authorize', choice, { follow: true });
    expect(await browser.arrive(location ?? '')).toBe('/home');
    expect(await browser.get('/get-session')).toMatchObject({
      user: { email: 'editor@acme.test', emailVerified: true, name: 'Edith Editor' },
    });
  });

  test("keeps an account whose token is active for what its person chose, and its person's id", async () => {
    const [account] = site.rows.account;
    accountId = String(account?.id);
    expect(await introspect(mandate.issuer, String(account?.accessToken))).toMatchObject({
      active: true,
      sub: account?.accountId,
      scope: 'api flows:edit',
      authorization_details: [{ identifier: expect.stringMatching(/^prj_/), actions: ['flows:edit'] }],
    });
  });

  test('hands the token out, and asks who the person is again', async () => {
    const { accessToken } = await tokens('/get-access-token');
    expect(await introspect(mandate.issuer, String(accessToken))).toMatchObject({ active: true });
    expect(await browser.get(`/account-info?accountId=${accountId}`)).toMatchObject({
      user: { email: 'editor@acme.test' },
    });
  });

  test('refreshes, again and again', async () => {
    const seen = new Set<unknown>();
    for (let turn = 0; turn < 3; turn += 1) {
      const { accessToken } = await tokens('/refresh-token');
      seen.add(accessToken);
      expect(await introspect(mandate.issuer, String(accessToken))).toMatchObject({
        active: true,
        scope: 'api flows:edit',
      });
    }
    expect(seen.size).toBe(3);
  });

  test('signs them out here too, and back to the site', async () => {
    const answer = await browser.post('/sign-out', { callbackURL: '/bye', state: 'out' });
    const page = await person.get(String(answer.url), { follow: true });
    expect(page.status).toBe(200);
    const { location } = await person.submit(page, 'Sign out', {}, { follow: true });
    expect(location).toBe(`${site.origin}/bye?state=out`);
    expect(await browser.get('/get-session')).toBeNull();
    expect(await introspect(mandate.issuer, String(site.rows.account[0]?.accessToken))).toMatchObject({
      active: true,
    });
  });
});
