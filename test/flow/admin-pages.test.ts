/** The administration's pages without scripts: what a form does is what the API does, and what it refuses is said on the page. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { type BrowserlessClient, createBrowserlessClient, type Page } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, tokenByCode } from '../support/oauth.ts';

const saved = 'It holds from now on';

describe.each(engines)('the administration pages, on %s', (engine) => {
  let mandate: TestMandate;
  let admin: BrowserlessClient;

  beforeAll(async () => {
    mandate = await startMandate({ engine });
    admin = await signedIn('admin@acme.test');
  });
  afterAll(() => mandate.stop());

  async function signedIn(email: string): Promise<BrowserlessClient> {
    const client = createBrowserlessClient(mandate.issuer);
    const page = await client.get('/admin', { follow: true });
    await client.submit(page, 'Sign in', { Email: email, Password: demo.password }, { follow: true });
    return client;
  }
  const submit = (page: Page, button: string, answers: Record<string, string | boolean> = {}) =>
    admin.submit(page, button, answers, { follow: true });
  const idOf = async (email: string) => (await mandate.stores.users.findByEmail(email))?.id ?? '';

  test('lead to the sign-in and back, and to the first part that the reader may see', async () => {
    const stranger = createBrowserlessClient(mandate.issuer);
    expect((await stranger.get('/admin/users')).location).toBe(
      `${mandate.issuer}/sign-in?return_to=%2Fadmin%2Fusers`,
    );
    expect((await admin.get('/admin')).title).toContain('Overview');
    const member = await signedIn('editor@acme.test');
    expect(await member.get('/admin')).toMatchObject({ status: 403 });
    expect(await member.get('/admin/users')).toMatchObject({ status: 403 });
    expect(await member.get('/admin/audit')).toMatchObject({ status: 403 });
  });

  test('make a person; what was refused is said beside what was typed', async () => {
    const empty = await admin.get('/admin/users/new');
    const refused = await submit(empty, 'Create', { Email: 'editor@acme.test', Name: 'Typed name' });
    expect(refused).toMatchObject({ status: 409 });
    expect(refused.text).toContain('Somebody else has the address editor@acme.test');
    expect(refused.body).toContain('value="Typed name"');
    const made = await submit(refused, 'Create', {
      Email: 'page@acme.test',
      Password: 'a long enough password',
    });
    expect(made.text).toContain('page@acme.test');
    expect(await idOf('page@acme.test')).not.toBe('');
  });

  test('show on the Access tab what is held, and give and take roles', async () => {
    const id = await idOf('viewer@acme.test');
    const tab = await admin.get(`/admin/users/${id}/access`);
    expect(tab.text).toContain('Management permissions');
    expect(tab.text).toContain('Manage API keys');
    const given = await submit(tab, 'Give role', { Role: 'Editor', Where: 'atlas' });
    expect(given.text).toContain(saved);
    expect(given.text).toContain('flows:edit');
    // Which capabilities may be delegated is what the roles say, and nothing beside them.
    const may = (page: { text: string }) =>
      /Create and modify flows flows:edit (.*?) Manage secrets/.exec(page.text.replaceAll(/\s+/g, ' '))?.[1];
    expect(may(tab)).toBe('not held, so it cannot be handed over');
    expect(may(given)).toBe('may be handed over');
    const asked = await admin.get(
      /href="([^"]*remove-role[^"]*project=[^"]*)"/.exec(given.body)?.[1]?.replaceAll('&amp;', '&') ?? '',
    );
    expect(asked.text).toContain('No authorization loses anything.');
    expect((await submit(asked, 'Remove')).text).toContain(saved);
  });

  test('say whose authorizations a suspension cuts, then suspend', async () => {
    const { access_token: token = '' } = await tokenByCode(mandate.issuer, {
      email: 'editor@acme.test',
      answers: {},
    });
    const id = await idOf('editor@acme.test');
    const asked = await admin.get(`/admin/users/${id}/suspend`);
    expect(asked.text).toContain('1 authorization of 1 account loses something at once.');
    expect(await introspect(mandate.issuer, token)).toMatchObject({ active: true });
    const done = await submit(asked, 'Suspend');
    expect(done.text).toContain('suspended');
    expect(await introspect(mandate.issuer, token)).toEqual({ active: false });
    await submit(done, 'Resume');
    expect(await introspect(mandate.issuer, token)).toMatchObject({ active: true });
  });

  test('refuse a form whose page is older than a change in between, and revive nothing', async () => {
    const role = (await mandate.stores.roles.findBySlug('analyst'))?.id ?? '';
    const first = await admin.get(`/admin/roles/${role}`);
    const second = await admin.get(`/admin/roles/${role}`);
    expect((await submit(first, 'Save', { Name: 'Analysts' })).text).toContain(saved);
    const late = await submit(second, 'Save', { Name: 'Late', 'Can create API keys': true });
    expect(late).toMatchObject({ status: 412 });
    expect(late.text).toContain('Somebody changed it while you were looking at it');
    expect(await mandate.stores.roles.find(role)).toMatchObject({ name: 'Analysts', permissions: ['api'] });
  });

  test('switch "Can create API keys" of a role on', async () => {
    const role = (await mandate.stores.roles.findBySlug('analyst'))?.id ?? '';
    const page = await admin.get(`/admin/roles/${role}`);
    expect((await submit(page, 'Save', { 'Can create API keys': true })).text).toContain(saved);
    expect((await mandate.stores.roles.find(role))?.permissions).toEqual(['api', 'api-keys.create']);
  });

  test('ask before a role takes something from authorizations, and carry the whole change', async () => {
    const { access_token: token = '' } = await tokenByCode(mandate.issuer, {
      email: 'analyst@acme.test',
      answers: {},
    });
    const role = (await mandate.stores.roles.findBySlug('analyst'))?.id ?? '';
    const page = await admin.get(`/admin/roles/${role}`);
    const asked = await submit(page, 'Save', { Name: 'Less', 'Use the platform API': false });
    expect(asked.text).toContain('1 authorization of 1 account loses something at once.');
    expect(await introspect(mandate.issuer, token)).toMatchObject({ active: true });
    expect((await submit(asked, 'Save')).text).toContain(saved);
    expect(await mandate.stores.roles.find(role)).toMatchObject({
      name: 'Less',
      permissions: ['api-keys.create'],
    });
    expect(await introspect(mandate.issuer, token)).toEqual({ active: false });
  });

  test('make a service account and its client, whose secret is shown this once', async () => {
    const account = await submit(await admin.get('/admin/service-accounts/new'), 'Create', {
      Email: 'robot@acme.test',
      Name: 'Robot',
    });
    const shown = await submit(account, 'Add a client', { Id: 'robot-one', Name: 'Robot one' });
    const secret = /data-copy="([\w-]{43})"/.exec(shown.body)?.[1] ?? '';
    expect(shown.headers.get('cache-control')).toBe('no-store');
    const { status } = await askToken(
      mandate.issuer,
      { grant_type: 'client_credentials' },
      { id: 'robot-one', secret },
    );
    expect(status).toBe(200);
    const again = await admin.get(`/admin/service-accounts/${await idOf('robot@acme.test')}`);
    expect(again.body).toContain('robot-one');
    expect(again.body).not.toContain(secret);
  });

  test('explain an authorization, and end it', async () => {
    const { access_token: token = '' } = await tokenByCode(mandate.issuer, {
      email: 'viewer@acme.test',
      answers: {},
    });
    const { authorization_id: id } = await introspect(mandate.issuer, token);
    const page = await admin.get(`/admin/authorizations/${String(id)}`);
    const answered = await submit(page, 'Ask', { Capability: 'flows:edit', Where: 'atlas' });
    expect(answered.text).toContain('It was not granted.');
    expect((await submit(answered, 'Revoke')).text).toContain('revoked');
    expect(await introspect(mandate.issuer, token)).toEqual({ active: false });
  });

  test('delete a project after saying what that cuts, and tell of it in the audit trail', async () => {
    const project = (await mandate.stores.projects.findBySlug('cygnus'))?.id ?? '';
    const asked = await admin.get(`/admin/projects/${project}/delete`);
    expect((await submit(asked, 'Delete project')).status).toBe(200);
    expect(await mandate.stores.projects.find(project)).toBeUndefined();
    const trail = await admin.get(`/admin/audit?subject_id=${project}`);
    expect(trail.text).toContain('deleted');
    expect(trail.text).toContain('admin@acme.test');
    expect(await admin.get(`/admin/projects/${project}`)).toMatchObject({ status: 404 });
  });

  test('take no form without the token of the session', async () => {
    const id = await idOf('viewer@acme.test');
    const forged = await admin.postForm(`/admin/users/${id}/suspend`, { csrf: 'guessed' });
    expect(forged.status).toBe(403);
    const foreign = await admin.postForm(
      `/admin/users/${id}/suspend`,
      {},
      { headers: { 'sec-fetch-site': 'cross-site' } },
    );
    expect(foreign.status).toBe(403);
    expect((await mandate.stores.users.findById(id))?.status).toBe('active');
  });
});
