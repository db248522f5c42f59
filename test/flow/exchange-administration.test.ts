/** Who may exchange tokens: set by an administrator over the API and on the page, refused for clients that show nobody who they are. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { register } from '../support/oauth-requests.ts';

const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
const actor = { id: 'command' };

let mandate: TestMandate;
let admin: Administrator;
beforeAll(async () => {
  mandate = await startMandate();
  admin = await signInToApi(mandate.issuer, 'admin@acme.test');
  const metadata = { client_name: 'Gateway', redirect_uris: [], response_types: [], grant_types: [] };
  await mandate.stores.clients.saveRegistered(actor, { id: 'gateway', metadata, secret: 'g'.repeat(43) });
});
afterAll(() => mandate.stop());

const set = async (id: string, settings: object) => {
  const { headers } = await admin.call('GET', `/clients/${id}`);
  return admin.call('PATCH', `/clients/${id}`, settings, { 'if-match': String(headers.get('etag')) });
};

test('TX-03: over the API: audiences that there are, in their registered form, and nothing else changes', async () => {
  const made = await set('gateway', {
    exchange_own: true,
    exchange_from: [`${demo.atlasFlows}/`],
    exchange_to: [demo.api],
  });
  expect(made).toMatchObject({
    status: 200,
    body: {
      exchange_own: true,
      exchange_from: [demo.atlasFlows],
      exchange_to: [demo.api],
      refresh_grace_seconds: null,
    },
  });
  expect((await set('gateway', { exchange_own: false })).body).toMatchObject({
    exchange_own: false,
    exchange_from: [demo.atlasFlows],
  });
  for (const uri of ['https://unknown.example/api', `${mandate.issuer}/api/v1`]) {
    expect(await set('gateway', { exchange_to: [uri] })).toMatchObject({
      status: 422,
      body: { code: 'unknown_reference' },
    });
  }
  const none = await set('gateway', { exchange_from: [], exchange_to: [] });
  expect(none.body).toMatchObject({ exchange_own: false, exchange_from: [], exchange_to: [] });
  expect((await mandate.stores.clients.find('gateway'))?.tokenExchange).toBeNull();
});

test('TX-03: a public client, and one that registered itself, cannot be allowed to', async () => {
  const { body } = await register(mandate.issuer, {
    redirect_uris: ['http://127.0.0.1/callback'],
    token_endpoint_auth_method: 'client_secret_basic',
  });
  for (const id of [demo.cli.id, String(body.client_id)]) {
    const refused = await set(id, { exchange_own: true, exchange_to: [demo.api] });
    expect(refused).toMatchObject({ status: 409, body: { code: 'not_for_exchange' } });
    expect((await mandate.stores.clients.find(id))?.tokenExchange).toBeNull();
  }
});

test('on the page, and on record', async () => {
  const browser = createBrowserlessClient(mandate.issuer);
  const start = await browser.get('/admin/clients/gateway', { follow: true });
  const page = await browser.submit(
    start,
    'Sign in',
    { Email: 'admin@acme.test', Password: demo.password },
    { follow: true },
  );
  expect(page.text).toContain('Exchange tokens');
  const saved = await browser.submit(page, 'Save', { 'Its own': true }, { follow: true });
  expect(saved).toMatchObject({ status: 200 });
  expect((await mandate.stores.clients.find('gateway'))?.tokenExchange).toEqual({
    own: true,
    from: [],
    to: [],
  });
  const records = await mandate.stores.history.of('client', 'gateway', 1);
  expect(records).toMatchObject([{ action: 'settings_changed' }]);
  const publicOne = await browser.get(`/admin/clients/${demo.cli.id}`);
  expect(publicOne.text).not.toContain('Exchange tokens');
});

test('the metadata advertise it', async () => {
  const answer = await fetch(`${mandate.issuer}/.well-known/oauth-authorization-server`);
  const { grant_types_supported: grants } = (await answer.json()) as { grant_types_supported: string[] };
  expect(grants).toContain(grantType);
});
