/** Requests that no client of ours writes: at the administration, at the parser, at the size of things. Nothing changes by any of them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Administrator, callApi, signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { postForm } from '../support/oauth.ts';
import { register } from '../support/oauth-requests.ts';
import { sendTo } from '../support/raw-request.ts';

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  let admin: Administrator;
  let port: string;

  beforeAll(async () => {
    mandate = await startMandate({ engine });
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    ({ port } = new URL(mandate.issuer));
  });
  afterAll(() => mandate.stop());

  /** The last change on record: hostile requests leave none. */
  const lastChange = async () =>
    (
      await mandate.store.db
        .selectFrom('change_counter')
        .select('n')
        .where('id', '=', 1)
        .executeTakeFirstOrThrow()
    ).n;

  describe('AD-03: an address that is written otherwise gets the same decision', () => {
    test.each([
      '/admin;x/users',
      '//admin/users',
      '/%61dmin/users',
      '/admin/..%2fadmin/users',
      '/ADMIN/users',
      '/admin%2fusers',
      '/admin/./users',
      '/api/v1/../v1/users',
      '/api%2Fv1/users',
      '/API/v1/users',
      '/api/v1//users',
      '/api/v1/users;a=b',
      '/api/v1/users%00',
    ])('%s shows nothing to nobody', async (path) => {
      const host = new URL(mandate.issuer).host;
      const { status, text } = await sendTo(port, path, { headers: { host } });
      expect(status).not.toBe(200);
      expect(text).not.toContain('editor@acme.test');
    });

    test.each(['X-HTTP-Method-Override', 'X-Method-Override', 'X-HTTP-Method'])(
      '%s changes no method',
      async (name) => {
        const before = await lastChange();
        const editor = await mandate.stores.users.findByEmail('editor@acme.test');
        const { status } = await admin.call('GET', `/users/${editor?.id}`, undefined, { [name]: 'DELETE' });
        expect(status).toBe(200);
        expect(await lastChange()).toBe(before);
      },
    );

    test.each(['X-Original-URL', 'X-Rewrite-URL'])('%s changes no address', async (name) => {
      const host = new URL(mandate.issuer).host;
      const { text } = await sendTo(port, '/healthz', { headers: { host, [name]: '/api/v1/users' } });
      expect(text).not.toContain('@acme.test');
    });
  });

  describe('AD-04: what is filtered, sorted and paged by is data', () => {
    test.each([
      '/users?search=%27%20or%201%3D1--',
      "/users?search=%25';drop table users;--",
      '/users?after=usr_forged',
      '/changes?after=1%20or%201%3D1',
      '/authorizations?after=%00',
      '/clients?search=%22%5C%27%3B',
      '/users?kind=person%27%20union%20select',
    ])('%s', async (path) => {
      const { status, text } = await admin.call('GET', path);
      expect([200, 400, 422]).toContain(status);
      expect(text).not.toMatch(/sqlite|syntax error|postgres|\bpg_[a-z]{4}|select /i);
      if (status === 200) expect(text).not.toContain('password_hash');
    });

    test.each([
      '/users?limit=-1',
      '/users?limit=1000000000',
      '/users?limit=1e9',
      '/users?limit=',
      '/users?sort=password_hash',
      '/users?search=a&search=b',
    ])('%s is refused', async (path) => {
      const { status, text } = await admin.call('GET', path);
      expect([400, 422]).toContain(status);
      expect(text).not.toMatch(/sqlite|syntax error|postgres/i);
    });

    test('who is signed in by a cookie alone changes nothing: the page’s token and its origin belong to it', async () => {
      const before = await lastChange();
      const body = { slug: 'forged', name: 'Forged' };
      for (const headers of [
        {},
        { 'x-csrf-token': 'A'.repeat(43) },
        { 'x-csrf-token': admin.csrf, origin: 'https://evil.example' },
        { 'x-csrf-token': admin.csrf, origin: 'null' },
        { 'x-csrf-token': admin.csrf, 'sec-fetch-site': 'cross-site' },
      ] as Record<string, string>[]) {
        const sent = { cookie: admin.cookie, ...headers };
        expect((await callApi(mandate.issuer, 'POST', '/projects', body, sent)).status).toBe(403);
      }
      expect(await lastChange()).toBe(before);
    });

    test('a wildcard of SQL is a letter like any other', async () => {
      const { body } = await admin.call<{ items: unknown[] }>('GET', '/users?search=%25');
      expect(body.items).toEqual([]);
    });
  });

  test.each([
    { owner_id: 'usr_other', user_id: 'usr_other' },
    { permissions: ['users.manage'] },
    { created_by: 'usr_other', version: 99 },
    { secret: 'mk_chosen', rate_limit: 0 },
  ])('AK-01: a key is made with nothing that its maker was not asked for: %j', async (more) => {
    const editor = await signInToApi(mandate.issuer, 'editor@acme.test');
    const before = await lastChange();
    const key = { name: 'k', capabilities: ['api'], projects: [], mcp_servers: [], ...more };
    const { status } = await editor.call('POST', '/api-keys', key);
    expect([403, 422]).toContain(status);
    const anonymous = await fetch(`${mandate.issuer}/api/v1/api-keys`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: 'k', capabilities: ['api'] }),
    });
    expect(anonymous.status).toBe(401);
    expect(await lastChange()).toBe(before);
  });

  test.each([
    { owner_id: 'usr_other' },
    { user_id: 'usr_other' },
    { permissions: ['users.manage'] },
    { created_by: 'usr_other' },
    { secret: 'mk_chosen' },
    { rate_limit: 0 },
  ])('AK-01: nor is it changed by more than that, nor by anybody else: %j', async (more) => {
    const editor = await signInToApi(mandate.issuer, 'editor@acme.test');
    const key = { name: `key ${Object.keys(more)[0]}`, capabilities: ['api'] };
    const { body } = await editor.call<{ id: string; version: number }>('POST', '/api-keys', key);
    const before = await lastChange();
    const tag = { 'if-match': `"${body.version}"` };
    const path = `/api-keys/${body.id}`;
    expect((await editor.call('PATCH', path, { name: 'other', ...more }, tag)).status).toBe(422);
    const viewer = await signInToApi(mandate.issuer, 'viewer@acme.test');
    expect([403, 404]).toContain((await viewer.call('PATCH', path, { name: 'other' }, tag)).status);
    expect((await callApi(mandate.issuer, 'PATCH', path, { name: 'other' }, tag)).status).toBe(401);
    expect(await lastChange()).toBe(before);
    expect((await editor.call('GET', path)).body).toMatchObject({ name: key.name });
  });

  describe('DS-02: what is too much is refused before it costs anything', () => {
    const host = () => new URL(mandate.issuer).host;
    const form = { 'content-type': 'application/x-www-form-urlencoded' };

    test.each(['/token', '/introspect', '/revoke', '/par', '/device/auth'])(
      'a form of 300 KB at %s',
      async (path) => {
        const { status } = await sendTo(port, path, {
          headers: { host: host(), ...form },
          body: `token=${'x'.repeat(300_000)}`,
        });
        expect([400, 413]).toContain(status);
      },
    );

    test('a JSON of 10 MB, and one that is 10,000 deep, at registration and the API', async () => {
      const deep = '['.repeat(10_000) + ']'.repeat(10_000);
      const headers = { host: host(), 'content-type': 'application/json' };
      const large = JSON.stringify({ client_name: 'x'.repeat(10_000_000) });
      for (const body of [large, deep]) {
        expect([400, 413, 422]).toContain((await sendTo(port, '/register', { headers, body })).status);
      }
      expect([400, 413, 422]).toContain((await admin.call('POST', '/users', { email: large })).status);
    });

    test('a compressed form is not inflated', async () => {
      const { status } = await postForm(`${mandate.issuer}/introspect`, { token: 'x' }, demo.apiServer, {
        'Content-Encoding': 'gzip',
      });
      expect([400, 415]).toContain(status);
      const body = gzipSync(`grant_type=authorization_code&code=${'x'.repeat(100_000)}`).toString('latin1');
      const answer = await sendTo(port, '/token', {
        headers: { host: host(), ...form, 'content-encoding': 'gzip' },
        body,
      });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    });

    test('cookies of 64 KB', async () => {
      const { status } = await sendTo(port, '/account/authorizations', {
        headers: { host: host(), cookie: `a=${'x'.repeat(64_000)}` },
      });
      expect([400, 431]).toContain(status);
    });
  });

  test('RG-06: an address inside our network in a registration is never connected to', async () => {
    let connections = 0;
    const canary = createServer((_, response) => response.end('{}'));
    canary.on('connection', () => {
      connections += 1;
    });
    await new Promise<void>((done) => canary.listen(0, '127.0.0.1', done));
    const inside = `127.0.0.1:${(canary.address() as AddressInfo).port}`;
    const common = { redirect_uris: ['https://a.example/cb'], client_name: 'canary' };
    const registrations = await Promise.all([
      register(mandate.issuer, {
        ...common,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks_uri: `https://${inside}/jwks`,
      }),
      register(mandate.issuer, { ...common, sector_identifier_uri: `https://${inside}/sector` }),
      register(mandate.issuer, { ...common, logo_uri: `https://${inside}/logo.png` }),
      register(mandate.issuer, { ...common, backchannel_logout_uri: `https://${inside}/out` }),
      register(mandate.issuer, { ...common, request_uris: [`https://${inside}/request`] }),
    ]);
    // What is not used here is not kept: only keys would be asked for. A picture is shown to nobody (CN-09).
    const [keys, ...others] = registrations;
    expect([keys?.status, keys?.body.error]).toEqual([400, 'invalid_client_metadata']);
    expect(others.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    for (const { body } of others) {
      expect(JSON.stringify({ ...body, logo_uri: undefined })).not.toContain(inside);
    }
    for (const host of ['localhost', '[::1]', '10.0.0.1', '169.254.169.254', '0x7f.1', '[::ffff:10.0.0.1]']) {
      const named = await register(mandate.issuer, {
        ...common,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks_uri: `https://${host}/jwks`,
      });
      expect([host, named.status]).toEqual([host, 400]);
    }
    expect(connections).toBe(0);
    canary.close();
    canary.closeAllConnections();
  });
});
