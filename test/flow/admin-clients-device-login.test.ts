/** Device login (RFC 8628) is an administrator's to choose for a client: at its registration and later, over the API and on the pages. */
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { runCommandHere } from '../support/command-line.ts';
import { engines } from '../support/databases.ts';
import { type BrowserlessClient, createBrowserlessClient } from '../support/http.ts';
import { administratorsCommandLine } from '../support/logged-in-command-line.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, postForm } from '../support/oauth.ts';
import { registerClient, signInIfAsked } from '../support/oauth-requests.ts';

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

interface Client {
  readonly id: string;
  readonly version: number;
  readonly device_login: boolean;
  readonly client_secret: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
}

describe.each(engines)('device login of clients, on %s', (engine) => {
  let mandate: TestMandate;
  let admin: Administrator;
  let browser: BrowserlessClient;

  beforeAll(async () => {
    mandate = await startMandate({ engine });
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    browser = createBrowserlessClient(mandate.issuer);
    await signInIfAsked(browser, await browser.get('/admin/clients', { follow: true }), 'admin@acme.test');
  });
  afterAll(() => mandate.stop());

  const create = (id: string, more: object) =>
    admin.call<Client>('POST', '/clients', { id, client_name: id, ...more });
  const read = async (id: string) => (await admin.call<Client>('GET', `/clients/${id}`)).body;
  const set = async (id: string, settings: object) =>
    admin.call<Client>('PATCH', `/clients/${id}`, settings, {
      'if-match': `"${(await read(id)).version}"`,
    });
  const ask = (id: string) => postForm(`${mandate.issuer}/device/auth`, { client_id: id, scope: 'api' });
  /** Asks for a code, and does what its person does. @returns the device code */
  const approve = async (id: string): Promise<string> => {
    const { status, text } = await ask(id);
    expect({ status, text }).toMatchObject({ status: 200 });
    const code = JSON.parse(text) as { device_code: string; user_code: string };
    const person = createBrowserlessClient(mandate.issuer);
    const entered = await person.submit(await person.get('/device'), 'Continue', { Code: code.user_code });
    const asked = await person.submit(entered, 'Continue', {}, { follow: true });
    const consent = await signInIfAsked(person, asked);
    const end = await person.submit(consent, 'Authorize', { api: true }, { follow: true });
    expect(end.text).toContain('You are connected');
    return code.device_code;
  };
  const poll = (id: string, code: string) =>
    askToken(mandate.issuer, { grant_type: deviceGrant, client_id: id, device_code: code });

  test('a command line that has no browser to return to is registered, logs its person in, and stays logged in', async () => {
    const made = await create('acme-deploy', { confidential: false, device_login: true });
    expect(made).toMatchObject({ status: 201, body: { device_login: true, client_secret: null } });
    expect(made.body.metadata).toEqual({
      client_name: 'acme-deploy',
      redirect_uris: [],
      response_types: [],
      grant_types: ['refresh_token', deviceGrant],
      token_endpoint_auth_method: 'none',
    });

    const { status, body } = await poll('acme-deploy', await approve('acme-deploy'));
    expect(status).toBe(200);
    const claims = { active: true, client_id: 'acme-deploy', username: 'editor@acme.test', scope: 'api' };
    expect(await introspect(mandate.issuer, body.access_token ?? '')).toMatchObject(claims);
    const refresh = { grant_type: 'refresh_token', refresh_token: body.refresh_token ?? '' };
    const next = await askToken(mandate.issuer, { ...refresh, client_id: 'acme-deploy' });
    expect(await introspect(mandate.issuer, next.body.access_token ?? '')).toMatchObject(claims);

    // It is sent nowhere, so nobody is led to it.
    const query = {
      client_id: 'acme-deploy',
      response_type: 'code',
      redirect_uri: 'http://127.0.0.1/callback',
    };
    const led = await createBrowserlessClient(mandate.issuer).get(`/authorize?${new URLSearchParams(query)}`);
    expect([led.status, led.location]).toEqual([400, undefined]);
  });

  test('it stands beside the code grant, and beside a secret', async () => {
    const both = await create('both', { redirect_uris: [demo.web.redirect], device_login: true });
    expect(both.body).toMatchObject({
      device_login: true,
      client_secret: expect.any(String) as unknown,
      metadata: {
        response_types: ['code'],
        grant_types: ['authorization_code', 'refresh_token', deviceGrant],
      },
    });
    const unproven = await ask('both');
    expect(unproven.status).toBe(401);
    const television = await create('television', { device_login: true });
    expect(television.body.metadata).toMatchObject({ grant_types: ['refresh_token', deviceGrant] });
  });

  test('it is off unless somebody chooses it; it is given to a client that is there and taken back, and both are on record', async () => {
    const made = await create('later', { confidential: false, redirect_uris: ['http://127.0.0.1/callback'] });
    expect(made.body.device_login).toBe(false);
    expect(await ask('later')).toMatchObject({ status: 400 });

    expect(await set('later', { device_login: true })).toMatchObject({
      status: 200,
      body: { device_login: true },
    });
    const waiting = await approve('later');
    const done = await poll('later', await approve('later'));
    expect(done.status).toBe(200);

    const off = await set('later', { device_login: false });
    expect(off.body.metadata).toEqual(made.body.metadata);
    expect(await poll('later', waiting)).toMatchObject({
      status: 400,
      body: { error: 'unauthorized_client' },
    });
    expect(await introspect(mandate.issuer, done.body.access_token ?? '')).toMatchObject({ active: true });

    const { version } = await read('later');
    expect((await set('later', { device_login: false })).body.version).toBe(version);
    const records = await mandate.stores.history.of('client', 'later', 9);
    const grants = (side: unknown) =>
      (side as { metadata: { grant_types: string[] } } | null)?.metadata.grant_types.includes(deviceGrant);
    expect(records.map(({ action, before, after }) => [action, grants(before), grants(after)])).toEqual([
      ['updated', true, false],
      ['updated', false, true],
      ['created', undefined, false],
    ]);
  });

  test('a client without any way to a token is neither made nor left', async () => {
    const missing = { status: 422, body: { code: 'redirect_missing' } };
    const nowhere = await create('nowhere', { confidential: false });
    expect(nowhere).toMatchObject(missing);
    expect(nowhere.text).toContain('Give it an address, or choose device login.');
    expect(await create('nowhere', { device_login: false })).toMatchObject(missing);
    expect((await admin.call('GET', '/clients/nowhere')).status).toBe(404);

    await create('only-device', { confidential: false, device_login: true });
    expect(await set('only-device', { device_login: false })).toMatchObject(missing);
    expect(await read('only-device')).toMatchObject({ device_login: true, version: 1 });
    expect(
      await create('leads-nowhere', { device_login: true, redirect_uris: ['javascript:1'] }),
    ).toMatchObject({
      status: 422,
      body: { code: 'invalid_redirect' },
    });
    expect(await create('unsure', { device_login: 'yes' })).toMatchObject({ status: 422 });
  });

  test('a client that registered itself decides it there, and one of a service account has nobody to log in', async () => {
    const own = await registerClient(mandate.issuer, 'http://127.0.0.1/callback', {
      grant_types: ['authorization_code', deviceGrant],
    });
    const id = String(own.client_id);
    expect(await read(id)).toMatchObject({ device_login: true });
    const refused = { status: 409, body: { code: 'not_for_device_login' } };
    expect(await set(id, { device_login: false })).toMatchObject(refused);
    expect(await set(demo.ci.id, { device_login: true })).toMatchObject(refused);
    for (const one of [id, demo.ci.id]) {
      expect((await browser.get(`/admin/clients/${one}`)).forms.map(({ action }) => action)).not.toContain(
        `/admin/clients/${one}/device-login`,
      );
    }
  });

  test('on the pages: a box where a client is registered, a choice on its page, and what is refused says why', async () => {
    const answers = {
      Id: 'acme-television',
      Name: 'Acme Television',
      'It can keep a secret': false,
    };
    const form = await browser.get('/admin/clients/new');
    const refused = await browser.submit(form, 'Create', answers);
    expect([refused.status, refused.text.includes('or choose device login')]).toEqual([422, true]);

    const box = 'For command lines and televisions';
    const page = await browser.submit(form, 'Create', { ...answers, [box]: true }, { follow: true });
    expect(page.text).toMatch(/Device login\s+Yes/);
    expect(await read('acme-television')).toMatchObject({ device_login: true });

    /** The page with no other form than that of the choice. */
    const choice = (of: typeof page) => ({
      ...of,
      forms: of.forms.filter(({ action }) => action.endsWith('/device-login')),
    });
    const kept = await browser.submit(choice(page), 'Save', { [box]: false });
    expect([kept.status, kept.text.includes('or choose device login')]).toEqual([422, true]);

    const web = await browser.get('/admin/clients/acme-web');
    expect(web.text).toMatch(/Device login\s+No/);
    const on = await browser.submit(choice(web), 'Save', { [box]: true }, { follow: true });
    expect(on.text).toMatch(/Device login\s+Yes/);
    const stale = await browser.submit(choice(web), 'Save', { [box]: true });
    expect(stale.status).toBe(412);
    const off = await browser.submit(choice(on), 'Save', { [box]: false }, { follow: true });
    expect(off.text).toMatch(/Device login\s+No/);
  });

  test('the client of `mandate login` can be registered this way too', async () => {
    const { version } = await read(demo.cli.id);
    await admin.call('DELETE', `/clients/${demo.cli.id}`, undefined, { 'if-match': `"${version}"` });
    expect((await create(demo.cli.id, { confidential: false, device_login: true })).status).toBe(201);
    const terminal = await administratorsCommandLine(mandate.issuer, 'admin@acme.test');
    expect((await terminal.run('whoami')).stdout).toContain('admin@acme.test');
    expect(await terminal.json('clients', 'show', 'acme-web')).toMatchObject({ device_login: false });
    expect(await terminal.run('logout')).toMatchObject({ code: 0 });
  });

  test('the organization’s file says it, and importing that changes nothing', async () => {
    await create('in-the-file', { confidential: false, device_login: true });
    const file = join(await mkdtemp(join(tmpdir(), 'mandate-export-')), 'organization.yaml');
    const environment = { ISSUER: mandate.issuer, DATABASE_URL: mandate.databaseUrl };
    expect(await runCommandHere(['export', file], environment)).toMatchObject({ code: 0 });
    const entry = (await readFile(file, 'utf8')).split('- id: ').find((one) => one.startsWith('in-the-file'));
    expect(entry).toContain(deviceGrant);
    const again = await runCommandHere(['import', file, '--dry-run', '--json'], environment);
    expect(JSON.parse(again.stdout)).toMatchObject({ changes: [] });
  });
});
