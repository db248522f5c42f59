/** A tool sends somebody here to sign out, and wants them back: OpenID Connect RP-Initiated Logout. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { type BrowserlessClient, createBrowserlessClient } from '../support/http.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect } from '../support/oauth.ts';
import { codeFlow, registerClient } from '../support/oauth-requests.ts';

const redirectUri = 'http://127.0.0.1:53124/callback';
const bye = 'http://127.0.0.1:53124/bye';
/** Of an administrator's client. */
const portal = {
  id: 'portal',
  redirect: 'https://portal.example/cb',
  bye: 'https://portal.example/bye?from=here',
};

let mandate: TestMandate;
let clientId: string;
/** Registers the portal as an administrator. */
let register: (returnTo: string) => ReturnType<Administrator['call']>;
beforeAll(async () => {
  mandate = await startMandate();
  clientId = String(
    (await registerClient(mandate.issuer, redirectUri, { post_logout_redirect_uris: [bye] })).client_id,
  );
  const admin = await signInToApi(mandate.issuer, 'admin@acme.test');
  register = (returnTo) =>
    admin.call('POST', '/clients', {
      id: portal.id,
      client_name: 'Portal',
      redirect_uris: [portal.redirect],
      post_logout_redirect_uris: [returnTo],
      confidential: false,
    });
  expect(await register('http://portal.example/bye')).toMatchObject({
    status: 422,
    body: { detail: expect.stringContaining('http://portal.example/bye') },
  });
  expect((await register(portal.bye)).status).toBe(201);
});
afterAll(() => mandate.stop());

/** Signs somebody in for the tool. */
async function signedIn(email = 'editor@acme.test') {
  const browser = createBrowserlessClient(mandate.issuer);
  const request = { scope: 'openid api' };
  const { body } = await codeFlow(mandate.issuer, { clientId, redirectUri, request, browser, email });
  return { browser, token: body.access_token ?? '', hint: String(body.id_token) };
}

const askToSignOut = (browser: BrowserlessClient, request: Record<string, string>) =>
  browser.get(`/session/end?${new URLSearchParams(request)}`, { follow: true });

async function signOut(browser: BrowserlessClient, request: Record<string, string>) {
  return browser.submit(await askToSignOut(browser, request), 'Sign out', {}, { follow: true });
}

describe('somebody who is signed in', () => {
  test('goes back with the state when the tool shows their ID token, and what they authorized goes on', async () => {
    const { browser, token, hint } = await signedIn();
    const request = { id_token_hint: hint, post_logout_redirect_uri: bye, state: 'a b' };
    const page = await askToSignOut(browser, request);
    expect(page.headers.get('content-security-policy')).toContain(
      "form-action 'self' http://127.0.0.1:53124;",
    );
    const { location } = await browser.submit(page, 'Sign out', {}, { follow: true });
    expect(location).toBe(`${bye}?state=a+b`);
    expect((await browser.get('/account/authorizations')).status).toBe(303);
    expect(await introspect(mandate.issuer, token)).toMatchObject({ active: true });
  });

  test('goes back to another port of the loopback', async () => {
    const { browser, hint } = await signedIn();
    const elsewhere = bye.replace('53124', '60001');
    const page = await signOut(browser, { id_token_hint: hint, post_logout_redirect_uri: elsewhere });
    expect(page.location).toBe(elsewhere);
  });

  test('stays here when a tool that registered itself shows no ID token', async () => {
    const { browser } = await signedIn();
    const page = await signOut(browser, { client_id: clientId, post_logout_redirect_uri: bye });
    expect(page.text).toContain('You are signed out');
  });

  test("stays here when it shows another person's", async () => {
    const { hint } = await signedIn('viewer@acme.test');
    const { browser } = await signedIn();
    const page = await signOut(browser, { id_token_hint: hint, post_logout_redirect_uri: bye });
    expect(page.text).toContain('You are signed out');
  });

  test("is led back by an administrator's client without a token, and reads its name", async () => {
    const { browser } = await signedIn();
    const request = { client_id: portal.id, post_logout_redirect_uri: portal.bye, state: 's' };
    const page = await askToSignOut(browser, request);
    expect(page.text).toContain('Portal asks to sign you out.');
    const { location } = await browser.submit(page, 'Sign out', {}, { follow: true });
    expect(location).toBe('https://portal.example/bye?from=here&state=s');
  });

  test('LG-12: is told that an address is not the client’s', async () => {
    const { browser, hint } = await signedIn();
    const request = { id_token_hint: hint, post_logout_redirect_uri: 'https://evil.example/bye' };
    expect((await askToSignOut(browser, request)).status).toBe(400);
    expect((await browser.get('/account/authorizations')).status).toBe(200);
  });
});

describe('somebody who is signed out already', () => {
  const arrive = (request: Record<string, string>) =>
    askToSignOut(createBrowserlessClient(mandate.issuer), request);

  test('is told so, without a script', async () => {
    const page = await arrive({});
    expect(page).toMatchObject({ status: 200, text: expect.stringContaining('You are signed out') });
    expect(page.body).not.toContain('<script>');
  });

  test("is led back by an administrator's client alone", async () => {
    const request = { client_id: portal.id, post_logout_redirect_uri: portal.bye, state: 's' };
    expect((await arrive(request)).location).toBe('https://portal.example/bye?from=here&state=s');
    const { hint } = await signedIn();
    const own = await arrive({ id_token_hint: hint, post_logout_redirect_uri: bye });
    expect(own).toMatchObject({ status: 200, location: undefined });
  });
});

test('a registration keeps the addresses that may be led to, and drops the others', async () => {
  const registered = await registerClient(mandate.issuer, 'https://web.example/cb', {
    post_logout_redirect_uris: [
      'https://web.example/bye',
      'http://localhost:3000/bye',
      'http://evil.example/bye',
      'javascript:alert(1)',
      'com.example.tool:/bye',
      'https://web.example/bye#part',
      null,
    ],
  });
  expect(registered.post_logout_redirect_uris).toEqual([
    'https://web.example/bye',
    'http://localhost:3000/bye',
  ]);
});
