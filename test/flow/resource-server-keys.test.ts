/** An administrator gives a resource server keys on its page, and a secret again (RFC 7523). */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { assertionType, signAssertion } from '../support/client-assertion.ts';
import { type BrowserlessClient, createBrowserlessClient, type Page } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { postForm } from '../support/oauth.ts';
import { signInIfAsked } from '../support/oauth-requests.ts';

let mandate: TestMandate;
let browser: BrowserlessClient;
let home: string;
beforeAll(async () => {
  mandate = await startMandate();
  browser = createBrowserlessClient(mandate.issuer);
  const server = await mandate.stores.resourceServers.find(demo.apiServer.id);
  home = `/admin/resource-servers/${server?.id}`;
});
afterAll(() => mandate.stop());

const open = async (): Promise<Page> =>
  signInIfAsked(browser, await browser.get(home, { follow: true }), 'owner@acme.test');
const press = async (button: string, answers: Record<string, string> = {}) =>
  browser.submit(await open(), button, answers, { follow: true });

/** Introspects by a signature. @returns the status of the answer */
async function signedBy(key: JWK): Promise<number> {
  const request = { issuer: demo.apiServer.id, audience: mandate.issuer, now: mandate.clock.now() };
  const { status } = await postForm(`${mandate.issuer}/introspect`, {
    token: 'unknown',
    client_assertion_type: assertionType,
    client_assertion: await signAssertion(key, request),
  });
  return status;
}
const bySecret = async (secret: string) =>
  (await postForm(`${mandate.issuer}/introspect`, { token: 'unknown' }, { id: demo.apiServer.id, secret }))
    .status;

/** The private key that the page shows. */
const shownKey = ({ text }: Page) => JSON.parse(/\{"[^}]*"d":[^}]*\}/.exec(text)?.[0] ?? '{}') as JWK;

test('a key pair made here takes the place of the secret; its private key is shown once', async () => {
  expect((await open()).text).toContain('It sends a secret with every request.');
  expect(await bySecret(demo.apiServer.secret)).toBe(200);
  const made = await press('Replace by keys', { 'From now on, by': 'generated' });
  const key = shownKey(made);
  expect([await signedBy(key), await bySecret(demo.apiServer.secret)]).toEqual([200, 401]);
  const again = await open();
  expect(again.text).toContain('It signs with a key');
  expect(again.body).not.toContain(String(key.d));
});

test('keys of its own take the place of that pair, and what is none is refused with what was typed', async () => {
  const before = shownKey(await press('Replace by keys', { 'From now on, by': 'generated' }));
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const own = { ...(await exportJWK(privateKey)), alg: 'ES256', kid: 'own' };
  const refused = await press('Replace by keys', { 'From now on, by': 'keys', 'Its public keys': 'no key' });
  expect(refused.status).toBe(422);
  expect(refused.body).toContain('no key');
  expect(await signedBy(before)).toBe(200);
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'own' }] });
  const set = await press('Replace by keys', { 'From now on, by': 'keys', 'Its public keys': jwks });
  expect(set.status).toBe(200);
  expect([await signedBy(own), await signedBy(before)]).toEqual([200, 401]);
});

test('a secret takes their place again', async () => {
  const shown = await press('Replace secret');
  const secret = /[\w-]{40,}/.exec(shown.text)?.[0] ?? '';
  expect(await bySecret(secret)).toBe(200);
  expect((await open()).text).toContain('It sends a secret with every request.');
});

test('a browser that was left open gives nobody keys', async () => {
  const page = await open();
  mandate.clock.advance(660);
  const answer = await browser.submit(page, 'Replace by keys', {}, { follow: true });
  expect(answer.body).not.toContain('"d":');
  expect(answer.text).toContain('Password');
});
