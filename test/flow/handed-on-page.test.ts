/** What a tool handed on, on its owner's page and in the administration: shown under what it hangs on, and ended there. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { signInToApi } from '../support/administrator.ts';
import { type BrowserlessClient, createBrowserlessClient, formOf } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, tokenByCode } from '../support/oauth.ts';

const actor = { id: 'command' };
const gateway = { id: 'atlas-gateway', secret: 'g'.repeat(43) };
const revoke = 'Revoke what was handed on to Atlas gateway';

let mandate: TestMandate;
let editor: BrowserlessClient;
let token: string;
let parent: string;
let child: string;

const signedIn = async (email: string) => {
  const client = createBrowserlessClient(mandate.issuer);
  const page = await client.get('/account/authorizations', { follow: true });
  await client.submit(page, 'Sign in', { Email: email, Password: demo.password }, { follow: true });
  return client;
};
const exchange = () =>
  askToken(
    mandate.issuer,
    {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      resource: demo.api,
    },
    gateway,
  );
const homeOf = (id: string) => `/account/authorizations/${id}`;

beforeAll(async () => {
  mandate = await startMandate();
  const { stores } = mandate;
  const metadata = {
    client_name: 'Atlas gateway',
    redirect_uris: [],
    response_types: [],
    grant_types: [],
    token_endpoint_auth_method: 'client_secret_basic',
  };
  await stores.clients.saveRegistered(actor, { ...gateway, metadata });
  const tokenExchange = { own: false, from: [demo.atlasFlows], to: [demo.api] };
  await stores.clients.configure(actor, gateway.id, { tokenExchange });
  const answer = await tokenByCode(
    mandate.issuer,
    {
      email: 'editor@acme.test',
      answers: { mcp: true, 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor', 'atlas-flows': true },
    },
    { resource: demo.atlasFlows, scope: 'mcp flows:edit' },
  );
  token = answer.access_token ?? '';
  const { body } = await exchange();
  child = String((await introspect(mandate.issuer, body.access_token ?? '')).authorization_id);
  parent = (await stores.authorizations.find(child))?.parentId ?? '';
  editor = await signedIn('editor@acme.test');
});
afterAll(() => mandate.stop());

test('its owner sees which tool, for what, and what holds', async () => {
  const list = await editor.get('/account/authorizations');
  expect(list.body).toContain(parent);
  expect(list.body).not.toContain(child);
  const page = await editor.get(homeOf(parent));
  for (const shown of ['Handed on', 'Atlas gateway', demo.api]) expect(page.text).toContain(shown);
  expect(page.text).toMatch(/For http:\/\/localhost:4100\/api flows:edit/);
  expect((await editor.get(homeOf(child))).location).toBe(`${mandate.issuer}${homeOf(parent)}#handed-on`);
});

test('nothing else is done with it, and by nobody else', async () => {
  const page = await editor.get(homeOf(parent));
  const { fields } = formOf(page, 'Save');
  for (const path of ['', '/suspend', '/move', '/additions/x/end']) {
    expect((await editor.postForm(`${homeOf(child)}${path}`, fields)).status).toBe(404);
  }
  const viewer = await signedIn('viewer@acme.test');
  expect((await viewer.get(homeOf(child))).status).toBe(404);
  const own = formOf(await viewer.get('/account/security'), 'Change password').fields;
  expect((await viewer.postForm(`${homeOf(child)}/revoke`, own)).status).toBe(404);
  expect((await mandate.stores.authorizations.find(child))?.status).toBe('active');
});

test('an administrator sees it under what it hangs on', async () => {
  const admin = await signInToApi(mandate.issuer, 'admin@acme.test');
  const listed = await admin.call<{ items: { id: string; parent_id: string | null; status: string }[] }>(
    'GET',
    '/authorizations',
  );
  const row = (id: string) => listed.body.items.find((one) => one.id === id);
  expect([row(parent)?.parent_id, row(child)?.parent_id]).toEqual([null, parent]);
  const one = await admin.call('GET', `/authorizations/${child}`);
  expect(one.body).toMatchObject({
    parent_id: parent,
    audience: demo.api,
    client_id: gateway.id,
    effective: { projects: [{ name: 'atlas', actions: ['flows:edit'] }] },
  });
  const above = await admin.call<{ handed_on: unknown[] }>('GET', `/authorizations/${parent}`);
  expect(above.body.handed_on).toMatchObject([{ id: child, client_id: gateway.id, audience: demo.api }]);
  const owner = await signInToApi(mandate.issuer, 'editor@acme.test');
  const edit = await owner.call(
    'PATCH',
    `/authorizations/${child}`,
    { capabilities: ['api'] },
    { 'if-match': String(one.headers.get('etag')) },
  );
  expect(edit).toMatchObject({ status: 409, body: { code: 'handed_on' } });

  const client = createBrowserlessClient(mandate.issuer);
  const start = await client.get(`/admin/authorizations/${parent}`, { follow: true });
  const page = await client.submit(
    start,
    'Sign in',
    { Email: 'admin@acme.test', Password: demo.password },
    { follow: true },
  );
  for (const shown of ['Handed on', gateway.id, demo.api]) expect(page.text).toContain(shown);
  const below = await client.get(`/admin/authorizations/${child}`);
  expect(below.text).toContain('Handed on from');
  expect(below.body).toContain(`/admin/authorizations/${parent}`);
});

test('a list says of what was handed on that it stands only with its parent', async () => {
  const admin = await signInToApi(mandate.issuer, 'admin@acme.test');
  const statusOf = async (id: string) => {
    const { body } = await admin.call<{ items: { id: string; status: string }[] }>('GET', '/authorizations');
    return body.items.find((one) => one.id === id)?.status;
  };
  await mandate.stores.authorizations.suspend(actor, parent);
  expect(await statusOf(child)).toBe('suspended');
  await mandate.stores.authorizations.resume(actor, parent);
  expect(await statusOf(child)).toBe('active');
});

test('where it was paused itself, its owner resumes it there', async () => {
  await mandate.stores.authorizations.suspend(actor, child);
  expect((await exchange()).body.error).toBe('invalid_request');
  const page = await editor.get(homeOf(parent));
  await editor.submit(page, 'Resume', {}, { follow: true });
  expect((await mandate.stores.authorizations.find(child))?.status).toBe('active');
  expect((await exchange()).status).toBe(200);
});

test('TX-07: its owner ends it there, and it is not handed on again', async () => {
  const page = await editor.get(homeOf(parent));
  const after = await editor.submit(page, revoke, {}, { follow: true });
  expect(after.text).toMatch(/Atlas gateway revoked/i);
  expect(() => formOf(after, revoke)).toThrow();
  expect((await mandate.stores.authorizations.find(child))?.status).toBe('revoked');
  expect((await exchange()).body.error).toBe('invalid_request');
  expect(await introspect(mandate.issuer, token, demo.mcpServer)).toMatchObject({ active: true });
});
