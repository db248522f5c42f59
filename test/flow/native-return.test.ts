/** How an answer reaches a tool on a person's own computer, or on another one (RFC 8252 section 7). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBrowserlessClient, type Page } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, pkce } from '../support/oauth.ts';
import { handOverOf, openConsent, registerClient } from '../support/oauth-requests.ts';

const loopback = 'http://127.0.0.1:53124/callback';
const choice = 'Show me the answer';

let mandate: TestMandate;
let program = '';
beforeAll(async () => {
  mandate = await startMandate();
  const registered = await registerClient(mandate.issuer, 'com.example.assistant:/callback');
  program = String(registered.client_id);
});
afterAll(() => mandate.stop());

const { verifier, challenge } = pkce();
const requestOf = (fields: Record<string, string>) => ({
  client_id: demo.cli.id,
  redirect_uri: loopback,
  response_type: 'code',
  code_challenge: challenge,
  code_challenge_method: 'S256',
  state: "it's",
  ...fields,
});
const asProgram = () => ({ client_id: program, redirect_uri: 'com.example.assistant:/callback' });

/** Opens the consent page, and presses a button of it. */
async function leave(
  fields: Record<string, string>,
  button: string,
  answers: Record<string, boolean> = {},
): Promise<Page> {
  const browser = createBrowserlessClient(mandate.issuer);
  const page = await openConsent(browser, requestOf(fields));
  return browser.submit(page, button, answers, { follow: true });
}

const redeem = (clientId: string, redirectUri: string, back: URL) =>
  askToken(mandate.issuer, {
    grant_type: 'authorization_code',
    client_id: clientId,
    code: back.searchParams.get('code') ?? '',
    redirect_uri: redirectUri,
    code_verifier: verifier,
  });

describe('a private scheme', () => {
  test('is handed the answer by a page that names the program, opens it, and says what to do if none does', async () => {
    const page = await leave(asProgram(), 'Authorize');
    expect([page.status, page.location, page.title]).toEqual([
      200,
      undefined,
      expect.stringContaining('Go back to your tool'),
    ]);
    expect(page.text).toContain('com.example.assistant:');
    expect(page.text).toContain('Start the program, connect again from there');
    expect(page.body).toContain('hand-over');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.headers.get('cache-control')).toBe('no-store');
    const back = new URL(handOverOf(page) ?? 'about:blank');
    expect(back.href).toMatch(/^com\.example\.assistant:\/callback\?code=/);
    expect(back.searchParams.get('iss')).toBe(mandate.issuer);
    const { status } = await redeem(program, 'com.example.assistant:/callback', back);
    expect(status).toBe(200);
    expect(mandate.logged()).not.toContain(back.searchParams.get('code'));
  });

  test('is told of a denial the same way', async () => {
    const page = await leave(asProgram(), 'Deny');
    expect(page.title).toContain('Nothing was authorized');
    expect(handOverOf(page)).toContain('error=access_denied');
  });

  test('is opened by nobody but its person where the request failed before anybody was asked', async () => {
    const browser = createBrowserlessClient(mandate.issuer);
    const wrong = requestOf({ ...asProgram(), code_challenge_method: 'plain' });
    const page = await browser.get(`/authorize?${new URLSearchParams(wrong)}`);
    expect(handOverOf(page)).toContain('error=invalid_request');
    expect(page.body).not.toContain('<script');
  });

  test('gets a bare redirect where the request says that nothing is to be shown', async () => {
    const browser = createBrowserlessClient(mandate.issuer);
    const silent = requestOf({ ...asProgram(), prompt: 'none' });
    const page = await browser.get(`/authorize?${new URLSearchParams(silent)}`);
    expect([page.status, page.location]).toEqual([303, expect.stringContaining('error=login_required')]);
  });
});

describe('a loopback', () => {
  test.each([
    ['IPv4, another port', 'http://127.0.0.1:7171/callback'],
    ['IPv6, any port', 'http://[::1]:61001/callback'],
    ['IPv6, another port', 'http://[::1]:7171/callback'],
    ['localhost', 'http://localhost:7171/callback'],
  ])('of %s is redirected to, and its code redeemed', async (_, redirectUri) => {
    const registered = ['127.0.0.1', '[::1]', 'localhost'].map((host) => `http://${host}:1/callback`);
    const { client_id: id } = await registerClient(mandate.issuer, loopback, { redirect_uris: registered });
    const page = await leave({ client_id: String(id), redirect_uri: redirectUri }, 'Authorize');
    expect(page.status).toBe(303);
    const back = new URL(page.location ?? 'about:blank');
    expect(back.href.startsWith(`${redirectUri}?code=`)).toBe(true);
    expect((await redeem(String(id), redirectUri, back)).status).toBe(200);
  });

  test('of another computer is answered by a page with the command, the address and the code', async () => {
    const page = await leave({}, 'Authorize', { [choice]: true });
    expect([page.status, page.location]).toEqual([200, undefined]);
    expect(page.title).toContain('Carry the answer to your tool');
    expect(page.text).toContain('Never give this to anybody');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    const [command, address, code] = [...page.body.matchAll(/data-copy="([^"]*)"/g)].map(([, text]) =>
      (text ?? '').replaceAll('&amp;', '&').replaceAll('&#39;', "'"),
    );
    expect(command).toBe(`curl '${address}'`);
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:53124\/callback\?code=/);
    const back = new URL(address ?? '');
    expect([code, back.searchParams.get('state')]).toEqual([back.searchParams.get('code'), "it's"]);
    expect(address).not.toContain("'");
    expect(mandate.logged()).not.toContain(code);
    const answers = [await redeem(demo.cli.id, loopback, back), await redeem(demo.cli.id, loopback, back)];
    expect(answers.map(({ status }) => status)).toEqual([200, 400]);
  });

  test('of another computer is told of a denial the same way, and there is no code', async () => {
    const page = await leave({}, 'Deny', { [choice]: true });
    expect(page.text).toContain('Nothing was authorized');
    expect(page.text).not.toContain('asks for the code');
    expect(page.body).toContain('error=access_denied');
  });

  test('keeps the choice when the page comes back for another reason', async () => {
    const browser = createBrowserlessClient(mandate.issuer);
    const page = await openConsent(browser, requestOf({ scope: 'api' }));
    const again = await browser.submit(page, 'Authorize', { [choice]: true, api: false });
    expect(again.status).toBe(422);
    expect(again.forms.flatMap(({ fields }) => fields).find(({ name }) => name === 'by_hand')?.checked).toBe(
      true,
    );
  });
});

test('a website is offered no such choice, and a forged one changes nothing', async () => {
  const { client_id: id } = await registerClient(mandate.issuer, 'https://tool.example/callback');
  const browser = createBrowserlessClient(mandate.issuer);
  const site = { client_id: String(id), redirect_uri: 'https://tool.example/callback' };
  const page = await openConsent(browser, requestOf(site));
  expect(page.body).not.toContain('by_hand');
  const form = page.forms.find(({ fields }) => fields.some(({ name }) => name === 'seen_account'));
  const posted = new URLSearchParams([
    ['by_hand', 'yes'],
    ['decision', 'authorize'],
  ]);
  for (const { name, value, checked, type } of form?.fields ?? [])
    if (name !== 'decision' && (checked || !['checkbox', 'radio'].includes(type))) posted.append(name, value);
  const back = await browser.postForm(form?.action ?? '', posted, { follow: true });
  expect([back.status, new URL(back.location ?? '').host]).toEqual([303, 'tool.example']);
});

describe('an answer travels in the address', () => {
  test('the metadata says so', async () => {
    const response = await fetch(`${mandate.issuer}/.well-known/oauth-authorization-server`);
    expect(await response.json()).toMatchObject({ response_modes_supported: ['query', 'fragment'] });
  });

  test.each([
    ['a loopback', {}],
    ['a website', { client_id: demo.web.id, redirect_uri: demo.web.redirect }],
  ])('form_post is refused for %s, in the address', async (_, fields) => {
    const browser = createBrowserlessClient(mandate.issuer);
    const asked = requestOf({ ...fields, response_mode: 'form_post' });
    const page = await browser.get(`/authorize?${new URLSearchParams(asked)}`);
    expect([page.status, page.location]).toEqual([303, expect.stringContaining('error=invalid_request')]);
  });
});
