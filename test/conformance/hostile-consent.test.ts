/** Hostile answers to the consent page (catalogue CN): what is granted was asked for by a person, on our page, and is theirs to give. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { type BrowserlessClient, createBrowserlessClient, formOf, type Page } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect, pkce, tokenByCode } from '../support/oauth.ts';
import { openConsent } from '../support/oauth-requests.ts';

const answers = { api: true, 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor' };
const actor = { id: 'command' };

const webRequest = () => ({
  client_id: demo.web.id,
  response_type: 'code',
  redirect_uri: demo.web.redirect,
  code_challenge: pkce().challenge,
  code_challenge_method: 'S256',
  state: 'state',
  scope: 'api flows:edit',
});

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  let browser: BrowserlessClient;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
    browser = createBrowserlessClient(mandate.issuer);
  });
  afterAll(() => mandate.stop());

  const authorizations = () =>
    mandate.store.db.selectFrom('authorizations').selectAll().orderBy('id').execute();
  const projectId = async (slug: string) =>
    (await mandate.stores.projects.list({ limit: 10 })).find((project) => project.slug === slug)?.id ?? '';
  const mcpServerId = async (name: string) =>
    (
      await mandate.store.db
        .selectFrom('mcp_servers')
        .select('id')
        .where('name', '=', name)
        .executeTakeFirst()
    )?.id ?? '';
  const roleId = async (slug: string) =>
    (await mandate.stores.roles.list()).find((role) => role.slug === slug)?.id ?? '';

  describe('CN-01: ids that are not theirs to give', () => {
    let page: Page;
    beforeAll(async () => {
      page = await openConsent(browser, webRequest());
    });
    const post = async (change: (fields: URLSearchParams) => void | Promise<void>) => {
      const { target, fields } = formOf(page, 'Authorize', answers);
      await change(fields);
      return browser.postForm(target.pathname, fields);
    };
    type Change = (fields: URLSearchParams) => void | Promise<void>;
    const changes: [string, Change][] = [
      ['a project of somebody else', async (fields) => fields.append('project', await projectId('cygnus'))],
      [
        'a project that does not exist',
        (fields) => fields.append('project', 'prj_00000000000000000000000000'),
      ],
      ['a slug in place of an id', (fields) => fields.append('project', 'borealis')],
      ['-1', (fields) => fields.append('project', '-1')],
      ['a name of the prototype', (fields) => fields.append('project', '__proto__')],
      ['a field of the prototype', (fields) => fields.append('projects[__proto__]', 'x')],
      ['SQL', (fields) => fields.append('project', "' or 1=1 --")],
      [
        'an MCP server of somebody else',
        async (fields) => fields.append('mcp_server', `${await mcpServerId('atlas-flows')}x`),
      ],
      ['a capability that they do not hold', (fields) => fields.append('capability', 'apps:admin')],
      ['a capability that does not exist', (fields) => fields.append('capability', 'everything')],
      ['a management permission', (fields) => fields.append('capability', 'users.manage')],
      ['an empty id', (fields) => fields.append('project', '')],
      [
        '10,000 projects',
        (fields) => {
          for (let n = 0; n < 10_000; n++) fields.append('project', `prj_${n}`);
        },
      ],
      [
        '10,000 roles',
        async (fields) => {
          const atlas = await projectId('atlas');
          for (let n = 0; n < 10_000; n++) fields.append(`role.${atlas}`, `rol_${n}`);
        },
      ],
      [
        'a role that they do not hold there',
        async (fields) => fields.set(`role.${await projectId('atlas')}`, await roleId('owner')),
      ],
      [
        'a role that does not exist',
        async (fields) => fields.set(`role.${await projectId('atlas')}`, 'rol_none'),
      ],
      ['a lifetime of forever and a day', (fields) => fields.set('lifetime', '99999999999')],
      ['a negative lifetime', (fields) => fields.set('lifetime', '-1')],
      ['two decisions', (fields) => fields.append('decision', 'deny')],
      ['no decision', (fields) => fields.delete('decision')],
      ['another account', (fields) => fields.set('seen_account', 'usr_00000000000000000000000000')],
      ['no account', (fields) => fields.delete('seen_account')],
      ['two accounts', (fields) => fields.append('seen_account', 'usr_x')],
    ];
    test.each(changes)('%s: refused, and nothing was written', async (what, change) => {
      const before = await authorizations();
      const answer = await post(change);
      // A field that no form has is not looked at: the rest stands.
      if (what === 'a field of the prototype') return expect(answer.status).toBe(303);
      expect([400, 409, 413, 422]).toContain(answer.status);
      expect(answer.location).toBeUndefined();
      expect(await authorizations()).toEqual(before);
    });

    test('an id that is given twice counts once', async () => {
      const own = createBrowserlessClient(mandate.issuer);
      const { target, fields } = formOf(await openConsent(own, webRequest()), 'Authorize', answers);
      const atlas = await projectId('atlas');
      fields.append('project', atlas);
      fields.append('capability', 'api');
      const end = await own.postForm(target.pathname, fields, { follow: true });
      expect(end.location).toContain('code=');
      const newest = (await authorizations()).at(-1);
      expect(JSON.parse(newest?.projects ?? '[]')).toHaveLength(1);
      expect(JSON.parse(newest?.capabilities ?? '[]')).toEqual(['api', 'flows:edit']);
    });

    test('a project that was deleted since the page was shown is not granted', async () => {
      const made = await mandate.stores.projects.create(actor, { slug: 'doomed', name: 'Doomed' });
      const doomed = made.outcome === 'created' ? made.project.id : '';
      const editor = await mandate.stores.users.findByEmail('editor@acme.test');
      await mandate.stores.users.assign(actor, {
        userId: editor?.id ?? '',
        roleId: await roleId('editor'),
        projectId: doomed,
      });
      const own = createBrowserlessClient(mandate.issuer);
      const { target, fields } = formOf(await openConsent(own, webRequest()), 'Authorize', {
        ...answers,
        doomed: true,
      });
      await mandate.stores.projects.delete(actor, doomed);
      const before = await authorizations();
      expect((await own.postForm(target.pathname, fields)).status).toBe(409);
      expect(await authorizations()).toEqual(before);
    });
  });

  describe('CN-02: a consent that did not come from our own page', () => {
    type Forged = {
      headers?: Record<string, string>;
      csrf?: string | null;
      method?: string;
      body?: 'json' | 'plain';
    };
    const cases: [string, Forged][] = [
      ['without its token', { csrf: null }],
      ['with another token', { csrf: 'A'.repeat(43) }],
      ['with the token twice as long', { csrf: 'A'.repeat(86) }],
      ['from Origin null', { headers: { origin: 'null', 'sec-fetch-site': 'cross-site' } }],
      ['from Origin null, by a browser that says no more', { headers: { origin: 'null' } }],
      ['from another origin', { headers: { origin: 'https://evil.example' } }],
      ['from a sibling', { headers: { origin: 'http://localhost:1', 'sec-fetch-site': 'same-site' } }],
      ['marked cross-site', { headers: { 'sec-fetch-site': 'cross-site' } }],
      ['as text/plain', { headers: { 'content-type': 'text/plain' } }],
      ['as JSON', { headers: { 'content-type': 'application/json' } }],
      ['as multipart', { headers: { 'content-type': 'multipart/form-data; boundary=x' } }],
      [
        'in a charset of its own',
        { headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-7' } },
      ],
      ['by GET', { method: 'GET' }],
      ['by PUT', { method: 'PUT' }],
      ['by POST with a method of its own', { headers: { 'x-http-method-override': 'PATCH' }, csrf: null }],
    ];
    test.each(cases)('%s', async (_what, forged) => {
      const page = await openConsent(browser, webRequest());
      const { target, fields } = formOf(page, 'Authorize', answers);
      if (forged.csrf === null) fields.delete('csrf');
      else if (forged.csrf !== undefined) fields.set('csrf', forged.csrf);
      const before = await authorizations();
      const method = forged.method ?? 'POST';
      const address = `${mandate.issuer}${target.pathname}${method === 'GET' ? `?${fields}` : ''}`;
      const response = await fetch(address, {
        method,
        redirect: 'manual',
        headers: {
          cookie: browser.cookieHeader(target.pathname),
          'content-type': 'application/x-www-form-urlencoded',
          origin: mandate.issuer,
          'sec-fetch-site': 'same-origin',
          ...(forged.headers?.origin === 'null' && !forged.headers['sec-fetch-site']
            ? { 'sec-fetch-site': 'cross-site' }
            : {}),
          ...forged.headers,
        },
        ...(method === 'GET' ? {} : { body: fields.toString() }),
      });
      // A GET shows the page again; whatever stands in its address is no answer.
      expect(method === 'GET' ? [200] : [403, 404, 405, 415]).toContain(response.status);
      expect(response.headers.get('location')).toBeNull();
      expect(await authorizations()).toEqual(before);
    });
  });

  test('CN-04: a right that was lost between the page and its answer is not granted', async () => {
    const editor = await mandate.stores.users.findByEmail('editor@acme.test');
    const assignment = {
      userId: editor?.id ?? '',
      roleId: await roleId('editor'),
      projectId: await projectId('atlas'),
    };
    const own = createBrowserlessClient(mandate.issuer);
    const page = await openConsent(own, webRequest());
    await mandate.stores.users.unassign(actor, assignment);
    const before = await authorizations();
    const answer = await own.submit(page, 'Authorize', answers);
    expect(answer.status).toBe(409);
    expect(await authorizations()).toEqual(before);
    // The page that came back offers what is left, and granting that works.
    const end = await own.submit(answer, 'Authorize', { api: true }, { follow: true });
    expect(end.location).toContain('code=');
    const newest = (await authorizations()).at(-1);
    expect(JSON.parse(newest?.projects ?? '[]')).toEqual([]);
    expect(JSON.parse(newest?.capabilities ?? '[]')).toEqual(['api']);
    await mandate.stores.users.assign(actor, assignment);
  });

  test('CN-04: a person who was suspended meanwhile grants nothing', async () => {
    const viewer = await mandate.stores.users.findByEmail('viewer@acme.test');
    const own = createBrowserlessClient(mandate.issuer);
    const page = await openConsent(own, webRequest(), 'viewer@acme.test');
    await mandate.stores.users.suspend(actor, viewer?.id ?? '');
    const before = await authorizations();
    const answer = await own.submit(page, 'Authorize', { api: true }, { follow: true });
    expect(answer.location ?? '').not.toContain('code=');
    expect(await authorizations()).toEqual(before);
    await mandate.stores.users.resume(actor, viewer?.id ?? '');
  });

  test('CN-05: a page that one account saw is not answered as another', async () => {
    const shared = createBrowserlessClient(mandate.issuer);
    const page = await openConsent(shared, webRequest(), 'editor@acme.test');
    const { target, fields } = formOf(page, 'Authorize', answers);
    const before = await authorizations();
    // Somebody else signs in, in another tab of the same browser.
    const elsewhere = await shared.get(
      `/authorize?${new URLSearchParams({ ...webRequest(), prompt: 'login' })}`,
      { follow: true },
    );
    const person = { Email: 'viewer@acme.test', Password: demo.password };
    let other = await shared.submit(elsewhere, 'Sign in', person, { follow: true });
    for (let hops = 0; hops < 3 && other.forms.length > 0 && !other.title.startsWith('Authorize'); hops++) {
      const [form] = other.forms;
      const hidden = new URLSearchParams(
        form?.fields.map(({ name, value }): [string, string] => [name, value]),
      );
      other = await shared.postForm(form?.action ?? '', hidden, { follow: true });
    }
    const answer = await shared.postForm(target.pathname, fields, { follow: true });
    expect(answer.status).toBe(400);
    expect(answer.location).toBeUndefined();
    expect(await authorizations()).toEqual(before);
  });

  test('CN-12: a refusal grants nothing, and going back changes nothing', async () => {
    const own = createBrowserlessClient(mandate.issuer);
    const page = await openConsent(own, webRequest());
    const { target, fields } = formOf(page, 'Authorize', answers);
    const before = await authorizations();
    const denied = await own.submit(page, 'Deny', {}, { follow: true });
    expect(Object.fromEntries(new URL(denied.location ?? '').searchParams)).toMatchObject({
      error: 'access_denied',
      iss: mandate.issuer,
      state: 'state',
    });
    expect((await own.postForm(target.pathname, fields)).status).toBe(400);
    expect(await authorizations()).toEqual(before);
  });

  test('what is granted is never more than what its owner holds now', async () => {
    const tokens = await tokenByCode(mandate.issuer, { email: 'editor@acme.test', answers });
    const answer = await introspect(mandate.issuer, tokens.access_token ?? '');
    expect(String(answer.scope).split(' ').sort()).toEqual(['api', 'flows:edit']);
  });
});
