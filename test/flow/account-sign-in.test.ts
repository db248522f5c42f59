/** Signing in to one's own account, with no tool behind it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { signIn } from '../support/account.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';

let mandate: TestMandate;
beforeAll(async () => {
  mandate = await startMandate();
});
afterAll(() => mandate.stop());

const person = { Email: 'editor@acme.test', Password: demo.password };

test('leads back to the page that was asked for', async () => {
  const client = createBrowserlessClient(mandate.issuer);
  const asked = await client.get('/account/authorizations?tab=api-keys');
  expect(asked.status).toBe(303);
  const form = await client.get(asked.location ?? '');
  const page = await client.submit(form, 'Sign in', person, { follow: true });
  expect(page.url).toBe(`${mandate.issuer}/account/authorizations?tab=api-keys`);
  expect(page.text).toContain('editor@acme.test');
});

test.each([
  '//evil.example',
  '/\\evil.example',
  '\t//evil.example',
  'https:evil.example',
  'https://evil.example/account/authorizations',
  '%2f%2fevil.example',
  '/account/../../evil',
  '/account/%2e%2e/authorize',
  '/account//evil.example',
  '/authorize?client_id=x',
  '/session/end',
  'javascript:alert(1)',
  '/accounting',
  '',
])('LG-07: refuses to lead to %j', async (target) => {
  const client = createBrowserlessClient(mandate.issuer);
  const address = `/sign-in?${new URLSearchParams({ return_to: target })}`;
  expect((await client.get(address)).status).toBe(403);
  expect((await client.postForm(address, { email: person.Email, password: person.Password })).status).toBe(
    403,
  );
});

test('LG-05: gives a new session at sign-in: an id that was planted before stays anonymous', async () => {
  const planted = createBrowserlessClient(mandate.issuer);
  const form = await planted.get('/sign-in');
  const before = `mandate_session=${planted.cookie('mandate_session')}; mandate_session.sig=${planted.cookie('mandate_session.sig')}`;
  await planted.submit(form, 'Sign in', person);
  expect(`mandate_session=${planted.cookie('mandate_session')}`).not.toBe(before.split(';')[0]);
  const asked = await createBrowserlessClient(mandate.issuer).get('/account/authorizations', {
    headers: { cookie: before },
  });
  expect(asked.status).toBe(303);
  expect(asked.location).toContain('/sign-in');
});

test('answers a wrong password and an unknown account alike, and takes no form from elsewhere', async () => {
  const client = createBrowserlessClient(mandate.issuer);
  const form = await client.get('/sign-in');
  const wrong = await client.submit(form, 'Sign in', { ...person, Password: 'wrong' });
  const unknown = await client.submit(form, 'Sign in', { Email: 'nobody@acme.test', Password: 'wrong' });
  expect([wrong.status, unknown.status]).toEqual([401, 401]);
  expect(wrong.text.replace(person.Email, '')).toBe(unknown.text.replace('nobody@acme.test', ''));
  const fields = { email: person.Email, password: person.Password };
  expect((await client.postForm('/sign-in', fields)).status).toBe(403);
  const foreign = { headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } };
  expect((await client.postForm('/sign-in', fields, foreign)).status).toBe(403);
});

test('a sign-in page that lay open for too long is shown anew, with the address that was typed', async () => {
  const client = createBrowserlessClient(mandate.issuer);
  const form = await client.get('/sign-in');
  mandate.clock.advance(1_000);
  const again = await client.submit(form, 'Sign in', person);
  expect(again.status).toBe(403);
  expect(again.body).toContain(person.Email);
  expect(again.body).not.toContain(person.Password);
  expect((await client.submit(again, 'Sign in', { Password: person.Password })).status).toBe(303);
});

test('ends with the account: whoever is suspended is signed out', async () => {
  const client = await signIn(mandate.issuer, 'viewer@acme.test');
  const viewer = await mandate.stores.users.findByEmail('viewer@acme.test');
  await mandate.stores.users.suspend({ id: 'command' }, viewer?.id ?? '');
  expect((await client.get('/account/authorizations')).status).toBe(303);
  await mandate.stores.users.resume({ id: 'command' }, viewer?.id ?? '');
  expect((await client.get('/account/authorizations')).status).toBe(303);
});

test('ends when the person says so', async () => {
  const client = await signIn(mandate.issuer, 'editor@acme.test');
  const page = await client.get('/session/end', { follow: true });
  await client.submit(page, 'Sign out', {}, { follow: true });
  expect((await client.get('/account/authorizations')).status).toBe(303);
});

test('links to the administration for those who have something to do there', async () => {
  const admin = await signIn(mandate.issuer, 'admin@acme.test');
  expect((await admin.get('/account/authorizations')).text).toContain('Administration');
  expect((await admin.get('/admin', { follow: true })).status).toBe(200);
  const editor = await signIn(mandate.issuer, 'editor@acme.test');
  expect((await editor.get('/account/authorizations')).text).not.toContain('Administration');
});
