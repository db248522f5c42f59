/** What a person handed to a tool is theirs to see and change, and the change reaches the token already in the field. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signIn } from '../support/account.ts';
import { engines } from '../support/databases.ts';
import { type BrowserlessClient, createBrowserlessClient } from '../support/http.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect, tokenByCode } from '../support/oauth.ts';

describe.each(engines)('a running client with one access token, on %s', (engine) => {
  let mandate: TestMandate;
  let token: string;
  let id: string;
  let editor: BrowserlessClient;

  beforeAll(async () => {
    mandate = await startMandate({ engine });
    const answer = await tokenByCode(mandate.issuer, {
      email: 'editor@acme.test',
      answers: { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor', borealis: true },
    });
    token = answer.access_token ?? '';
    id = String((await introspect(mandate.issuer, token)).authorization_id);
    editor = await signIn(mandate.issuer, 'editor@acme.test');
  });
  afterAll(() => mandate.stop());

  const ask = () => introspect(mandate.issuer, token);
  const open = () => editor.get(`/account/authorizations/${id}`);
  const press = async (button: string, answers = {}) =>
    editor.submit(await open(), button, answers, { follow: true });

  test('is listed with what it may do, and says what is withheld', async () => {
    const list = await editor.get('/account/authorizations');
    expect(list.text).toContain('Acme Web');
    expect(list.text).toContain('limited');
    const page = await open();
    expect(page.status).toBe(200);
    expect(page.text).toContain('The role picked for borealis does not include flows:edit.');
  });

  test('narrowed on the page: its next call is refused, and the page says what it loses', async () => {
    const page = await press('Save', { 'flows:edit': false });
    expect(page.text).toContain('can no longer edit flows in atlas, at once');
    expect((await ask()).scope).toBe('api');
    expect(page.text).toContain('Removed: flows:edit');
  });

  test('widened on the page: allowed again, without a new token', async () => {
    const page = await press('Save', { 'flows:edit': true });
    expect(page.text).toContain('can edit flows in atlas from now on');
    expect((await ask()).scope).toBe('api flows:edit');
  });

  test('loses a project at once when it is unticked', async () => {
    const page = await press('Save', { borealis: false });
    expect(page.text).toContain('loses access to borealis at once');
    const { authorization_details: details } = await ask();
    expect(details).toEqual([expect.objectContaining({ slug: 'atlas' })]);
  });

  test('suspended: refused; resumed: allowed, with the same token', async () => {
    expect((await press('Suspend')).text).toContain('Suspended');
    expect(await ask()).toEqual({ active: false });
    await press('Resume');
    expect(await ask()).toMatchObject({ active: true });
  });

  test('RV-07: grants nothing that its owner does not hold, whatever is posted', async () => {
    const page = await open();
    const form = page.forms.find(({ fields }) => fields.some(({ label }) => label === 'Save'));
    const value = (name: string) => form?.fields.find((field) => field.name === name)?.value ?? '';
    const answer = await editor.postForm(`/account/authorizations/${id}`, {
      csrf: value('csrf'),
      version: value('version'),
      capability: ['api', 'secrets:edit', 'apps:admin'],
      project: [],
      lifetime: 'keep',
    });
    expect(answer.status).toBe(409);
    expect(answer.text).toContain('You no longer have access to secrets:edit and apps:admin');
    expect((await ask()).scope).toBe('api flows:edit');
  });

  test('an editor opened before somebody else changed it: 409, and nothing is widened', async () => {
    const stale = await open();
    await press('Save', { 'flows:edit': false });
    const answer = await editor.submit(stale, 'Save', {});
    expect(answer.status).toBe(409);
    expect(answer.text).toContain('It has changed since you looked at it');
    expect((await ask()).scope).toBe('api');
  });

  test('shows what it was granted beside what its owner holds now', async () => {
    const { stores } = mandate;
    const owner = await stores.users.findByEmail('editor@acme.test');
    const atlas = (await stores.projects.list({ limit: 10 })).find(({ slug }) => slug === 'atlas');
    const roles = await stores.roles.list();
    const roleId = (slug: string) => roles.find((role) => role.slug === slug)?.id ?? '';
    const on = (slug: string) => ({
      userId: owner?.id ?? '',
      roleId: roleId(slug),
      projectId: atlas?.id ?? '',
    });
    await stores.users.assign({ id: 'command' }, on('viewer'));
    await stores.users.unassign({ id: 'command' }, on('editor'));
    const page = await open();
    expect(page.text).toContain('You are Viewer in atlas now.');
    await stores.users.unassign({ id: 'command' }, on('viewer'));
    expect((await open()).text).toContain('You have no access to atlas at the moment.');
    // Saving leaves what is withheld as it is: it comes back with the right.
    await press('Save', {});
    await stores.users.assign({ id: 'command' }, on('editor'));
    expect((await ask()).authorization_details).toEqual([expect.objectContaining({ slug: 'atlas' })]);
  });

  test('RV-05: is not there for anybody else, and not reachable without a sign-in', async () => {
    const other = await signIn(mandate.issuer, 'admin@acme.test');
    expect((await other.get(`/account/authorizations/${id}`)).status).toBe(404);
    const page = await open();
    const csrf = page.forms[0]?.fields.find(({ name }) => name === 'csrf')?.value ?? '';
    for (const action of ['', '/suspend', '/resume', '/revoke']) {
      const path = `/account/authorizations/${id}${action}`;
      expect((await other.postForm(path, { csrf })).status).toBe(403);
      expect((await createBrowserlessClient(mandate.issuer).postForm(path, { csrf })).status).toBe(401);
      expect((await editor.postForm(path, {})).status).toBe(403);
      const foreign = { headers: { 'sec-fetch-site': 'cross-site' } };
      expect((await editor.postForm(path, { csrf }, foreign)).status).toBe(403);
    }
    // With a token of their own page it is not theirs all the same.
    const security = (await other.get('/account/security')).body;
    const own = /name="csrf" value="([^"]+)"/.exec(security)?.[1] ?? '';
    const before = await mandate.stores.authorizations.find(id);
    const edit = { version: String(before?.version), capability: 'api', lifetime: 'keep' };
    for (const [action, fields] of Object.entries({
      '': edit,
      '/suspend': {},
      '/resume': {},
      '/revoke': {},
    })) {
      const answer = await other.postForm(`/account/authorizations/${id}${action}`, { csrf: own, ...fields });
      expect({ action, status: answer.status }).toEqual({ action, status: 404 });
    }
    // Nothing is done by following a link.
    for (const action of ['/suspend', '/revoke']) {
      const followed = await editor.get(`/account/authorizations/${id}${action}`);
      expect([404, 405]).toContain(followed.status);
    }
    expect(await mandate.stores.authorizations.find(id)).toEqual(before);
    expect(await ask()).toMatchObject({ active: true });
  });

  test('remembers when it was last used, by whom and from where', async () => {
    await ask();
    await mandate.app.settle();
    expect((await open()).text).toMatch(/by acme-api from (127\.0\.0\.1|::1)/);
  });

  test('revoked: refused for good, and a stale page revives nothing', async () => {
    const stale = await open();
    const list = await press('Revoke');
    expect(list.text).toContain('The next call is refused');
    expect(await ask()).toEqual({ active: false });
    expect((await editor.submit(stale, 'Save', {})).status).toBe(409);
    expect((await editor.submit(stale, 'Suspend', {})).status).toBe(409);
    expect(await ask()).toEqual({ active: false });
  });
});
