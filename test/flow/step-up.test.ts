/** What is sensitive asks for a sign-in of the last ten minutes, and then goes on where the person was. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { signIn } from '../support/account.ts';
import { signInToApi } from '../support/administrator.ts';
import { createBrowserlessClient, type FormFields } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';

let mandate: TestMandate;
const idOf = async (email: string) => (await mandate.stores.users.findByEmail(email))?.id ?? '';
const rolesOf = async (email: string) =>
  (await mandate.stores.liveAccess.read(await idOf(email)))?.assigned.organization ?? [];
beforeAll(async () => {
  mandate = await startMandate();
});
afterAll(() => mandate.stop());

test('a role is given after a proof, with what was picked before; nothing is given without', async () => {
  const owner = await signIn(mandate.issuer, 'owner@acme.test');
  const tab = await owner.get(`/admin/users/${await idOf('viewer@acme.test')}/access`);
  const before = await rolesOf('viewer@acme.test');
  const role = (await mandate.stores.roles.findBySlug('editor'))?.id ?? '';
  mandate.clock.advance(601);
  const form = tab.forms.find(({ action }) => action.endsWith('/roles'));
  const csrf = form?.fields.find(({ name }) => name === 'csrf')?.value ?? '';
  const fields: FormFields = { csrf, role, project: '' };
  const asked = await owner.postForm(form?.action ?? '', fields);
  expect(asked.status).toBe(403);
  expect(asked.body).not.toContain(role);
  expect((await owner.submit(asked, 'Confirm', { Password: 'wrong' })).status).toBe(403);
  expect(await rolesOf('viewer@acme.test')).toEqual(before);
  const done = await owner.submit(asked, 'Confirm', { Password: demo.password }, { follow: true });
  expect(done.status).toBe(200);
  expect(await rolesOf('viewer@acme.test')).toContain(role);
  // The proof counts from now on.
  const again = await owner.postForm(form?.action ?? '', fields);
  expect(again.status).toBe(303);
});

test('a form that waits is nobody else’s, goes nowhere else, and not for ever', async () => {
  const admin = await signIn(mandate.issuer, 'admin@acme.test');
  const page = await admin.get('/account/security');
  mandate.clock.advance(601);
  const asked = await admin.submit(page, 'Set up an app');
  const [form] = asked.forms;
  const sent = Object.fromEntries((form?.fields ?? []).map(({ name, value }) => [name, value]));
  const held = { held: sent.held ?? '', password: demo.password };
  const other = await signIn(mandate.issuer, 'editor@acme.test');
  const [first] = (await other.get('/account/security')).forms;
  const csrf = first?.fields.find(({ name }) => name === 'csrf')?.value ?? '';
  const address = '/account/security/authenticator/new';
  expect((await other.postForm(address, { ...held, csrf })).status).toBe(403);
  const own = sent.csrf ?? '';
  expect((await admin.postForm('/account/security/passkeys/new', { ...held, csrf: own })).status).toBe(403);
  expect((await admin.postForm(address, { held: 'made up', csrf: own })).status).toBe(403);
  mandate.clock.advance(3_601);
  expect((await admin.postForm(address, { ...held, csrf: own })).status).toBe(403);
});

test('the JSON API says so in its own way, and the request goes through after signing in again', async () => {
  const admin = await signInToApi(mandate.issuer, 'admin@acme.test');
  const path = `/users/${await idOf('analyst@acme.test')}/assignments`;
  const role_id = (await mandate.stores.roles.findBySlug('viewer'))?.id;
  mandate.clock.advance(601);
  const refused = await admin.call('POST', path, { role_id });
  expect(refused.status).toBe(403);
  expect(refused.body).toMatchObject({
    type: 'urn:mandate:problem:sign-in-again',
    code: 'sign_in_again',
    sign_in: `${mandate.issuer}/sign-in?again=1`,
  });
  // What is not sensitive is not asked about.
  expect((await admin.call('GET', '/users')).status).toBe(200);

  const browser = createBrowserlessClient(mandate.issuer);
  const headers = { cookie: admin.cookie };
  const page = await browser.get('/sign-in?again=1', { headers });
  expect(page.body).toContain('admin@acme.test');
  const answers = { Email: 'admin@acme.test', Password: demo.password };
  expect((await browser.submit(page, 'Sign in', answers, { headers })).status).toBe(303);
  const cookie = ['mandate_session', 'mandate_session.sig']
    .map((name) => `${name}=${browser.cookie(name) ?? ''}`)
    .join('; ');
  expect((await admin.call('POST', path, { role_id }, { cookie })).status).toBe(200);
});

test('an administrator ends the second factor of somebody who lost it, on record', async () => {
  const admin = await signInToApi(mandate.issuer, 'admin@acme.test');
  const id = await idOf('editor@acme.test');
  await mandate.store.db
    .insertInto('authenticators')
    .values({
      user_id: id,
      sealed_secret: 'x',
      confirmed_at: mandate.clock.now(),
      last_step: 0,
      created_at: mandate.clock.now(),
    })
    .execute();
  expect((await admin.call('GET', `/users/${id}/sign-in`)).body.second_factor).toBe(true);
  const done = await admin.call('POST', `/users/${id}/second-factor/reset`, {});
  expect(done.body).toMatchObject({ second_factor: false, passkeys: [] });
  const trail = await admin.call<{ items: { actor: string }[] }>(
    'GET',
    '/changes?action=second_factor_removed',
  );
  expect(trail.body.items[0]?.actor).toBe(await idOf('admin@acme.test'));
});
