/** Hostile questions at /introspect (catalogue IN): whoever may not ask gets 401, whatever is not active is `{"active":false}` byte for byte. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, postForm, tokenByCode } from '../support/oauth.ts';
import { basic } from '../support/race.ts';
import { sendTo } from '../support/raw-request.ts';

const actor = { id: 'command' };
const editor = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  let token: string;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
    token = (await tokenByCode(mandate.issuer, editor)).access_token ?? '';
  });
  afterAll(() => mandate.stop());

  const ask = (options: {
    headers?: Record<string, string>;
    body?: string;
    method?: string;
    path?: string;
  }) =>
    sendTo(new URL(mandate.issuer).port, options.path ?? '/introspect', {
      method: options.method ?? 'POST',
      headers: { host: new URL(mandate.issuer).host, ...options.headers },
      ...(options.method === 'GET'
        ? {}
        : { body: options.body ?? new URLSearchParams({ token }).toString() }),
    });

  describe('IN-01: who may not ask', () => {
    const api = demo.apiServer;
    const callers: [string, Record<string, string>, string][] = [
      ['nobody', {}, ''],
      ['a wrong secret', basic({ ...api, secret: 'wrong' }), ''],
      ['an empty secret', basic({ ...api, secret: '' }), ''],
      ['an unknown caller', basic({ id: 'nobody', secret: api.secret }), ''],
      ['a name that no database can hold', basic({ id: '%00', secret: 'x' }), ''],
      ['a client', basic(demo.web), ''],
      ['a public client', basic({ id: demo.cli.id, secret: '' }), ''],
      ['a service account’s client', basic(demo.ci), ''],
      ['the other resource server’s secret', basic({ id: api.id, secret: demo.mcpServer.secret }), ''],
      ['Bearer', { authorization: 'Bearer x' }, ''],
      ['Basic that is no base64', { authorization: 'Basic %%%' }, ''],
      ['a secret in the body that is wrong', {}, `client_id=${api.id}&client_secret=wrong`],
      ['a client_id alone', {}, `client_id=${api.id}`],
    ];
    test.each(callers)('%s: 401', async (_what, headers, more) => {
      const {
        status,
        text,
        headers: answered,
      } = await ask({
        headers,
        body: `token=${token}${more ? `&${more}` : ''}`,
      });
      expect(status).toBe(401);
      expect(answered['www-authenticate']).toMatch(/^Basic /);
      expect(answered['cache-control']).toContain('no-store');
      expect(text).not.toContain('active');
    });

    test('a resource server that was disabled', async () => {
      expect((await ask({ headers: basic(demo.mcpServer) })).status).toBe(200);
      const row = (await mandate.stores.resourceServers.list()).find(
        ({ name }) => name === demo.mcpServer.id,
      );
      await mandate.stores.resourceServers.disable(actor, row?.id ?? '');
      expect((await ask({ headers: basic(demo.mcpServer) })).status).toBe(401);
      await mandate.stores.resourceServers.enable(actor, row?.id ?? '');
      expect((await ask({ headers: basic(demo.mcpServer) })).status).toBe(200);
    });

    const odd: [string, Parameters<typeof ask>[0]][] = [
      ['GET', { method: 'GET', path: '/introspect?token=x' }],
      ['JSON', { headers: { 'content-type': 'application/json' }, body: '{"token":"x"}' }],
      ['no media type', { headers: { 'content-type': '' } }],
      ['two tokens', { body: 'token=a&token=b' }],
      ['no token', { body: 'x=1' }],
      ['an empty token', { body: 'token=' }],
      ['a token in the query', { path: '/introspect?token=x', body: '' }],
      ['two methods', { body: `token=x&client_id=${api.id}&client_secret=${api.secret}` }],
      ['a body of 200 KB', { body: `token=${'x'.repeat(200_000)}` }],
      ['a gzipped body', { headers: { 'content-encoding': 'gzip' } }],
    ];
    test.each(odd)('%s: 4xx', async (_what, options) => {
      const { status, text } = await ask({ ...options, headers: { ...basic(api), ...options.headers } });
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(text).not.toContain('active');
    });
  });

  describe('IN-02: what is not active', () => {
    const values: [string, (live: string) => string][] = [
      ['unknown', () => 'A'.repeat(43)],
      ['garbage', () => '\u0000\u0001ü𝔘'],
      ['a JWT', () => 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.'],
      ['56 KB', () => 'x'.repeat(56_000)],
      ['SQL', () => "' or '1'='1"],
      ['a name of the prototype', () => '__proto__'],
      ['an alias', () => `~${'A'.repeat(43)}~${'A'.repeat(43)}`],
      ['a live token in other letters', (live) => live.toUpperCase()],
      ['a live token and a blank', (live) => `${live} `],
      ['a live token without its end', (live) => live.slice(0, -1)],
    ];
    test.each(values)('%s', async (_what, value) => {
      const { status, text, headers } = await ask({
        headers: basic(demo.apiServer),
        body: new URLSearchParams({ token: value(token) }).toString(),
      });
      expect([status, text]).toEqual([200, '{"active":false}']);
      expect(headers['cache-control']).toContain('no-store');
    });

    test.each(['refresh_token', 'access_token', 'nonsense', ''])(
      'the hint %p hides no live token',
      async (hint) => {
        const body = new URLSearchParams({ token, token_type_hint: hint }).toString();
        expect((await ask({ headers: basic(demo.apiServer), body })).text).toContain('"active":true');
      },
    );

    test('a secret in the body is as good as one in the header', async () => {
      const body = `token=${token}&client_id=${demo.apiServer.id}&client_secret=${demo.apiServer.secret}`;
      expect((await ask({ body })).text).toContain('"active":true');
    });

    const saidOf = async (mine: string) => {
      const body = new URLSearchParams({ token: mine }).toString();
      const { status, text, headers } = await ask({ headers: basic(demo.apiServer), body });
      return [status, text, headers['cache-control']];
    };
    const inactive = [200, '{"active":false}', 'no-store'];

    test('expired', async () => {
      const mine = (await tokenByCode(mandate.issuer, editor)).access_token ?? '';
      expect((await introspect(mandate.issuer, mine)).active).toBe(true);
      mandate.clock.advance(3_600);
      expect(await saidOf(mine)).toEqual(inactive);
      mandate.clock.advance(-3_600);
    });

    test('revoked: the token, then what it hangs on', async () => {
      const [one, other] = [
        await tokenByCode(mandate.issuer, editor),
        await tokenByCode(mandate.issuer, editor),
      ];
      const id = String((await introspect(mandate.issuer, other.access_token ?? '')).authorization_id);
      const revoked = { token: one.access_token ?? '' };
      expect((await postForm(`${mandate.issuer}/revoke`, revoked, demo.web)).status).toBe(200);
      expect(await saidOf(revoked.token)).toEqual(inactive);
      await mandate.stores.authorizations.revoke(actor, id);
      expect(await saidOf(other.access_token ?? '')).toEqual(inactive);
    });
  });

  describe('IN-06: whose owner, client or account is off', () => {
    test('a person who is suspended, at once and until resumed', async () => {
      const { id = '' } = (await mandate.stores.users.findByEmail('editor@acme.test')) ?? {};
      await mandate.stores.users.suspend(actor, id);
      expect((await ask({ headers: basic(demo.apiServer) })).text).toBe('{"active":false}');
      await mandate.stores.users.resume(actor, id);
      expect((await ask({ headers: basic(demo.apiServer) })).text).toContain('"active":true');
    });

    test('a client that is disabled', async () => {
      await mandate.stores.clients.disable(actor, demo.web.id);
      expect((await ask({ headers: basic(demo.apiServer) })).text).toBe('{"active":false}');
      await mandate.stores.clients.enable(actor, demo.web.id);
      expect((await ask({ headers: basic(demo.apiServer) })).text).toContain('"active":true');
    });

    test('a service account that is suspended: its token dies and it gets no other', async () => {
      const request = { grant_type: 'client_credentials', resource: demo.api };
      const { body } = await askToken(mandate.issuer, request, demo.ci);
      expect((await introspect(mandate.issuer, body.access_token ?? '')).active).toBe(true);
      const { id = '' } = (await mandate.stores.users.findByEmail('ci@acme.test')) ?? {};
      await mandate.stores.users.suspend(actor, id);
      expect(await introspect(mandate.issuer, body.access_token ?? '')).toEqual({ active: false });
      expect((await askToken(mandate.issuer, request, demo.ci)).status).toBe(400);
      await mandate.stores.users.resume(actor, id);
      expect((await introspect(mandate.issuer, body.access_token ?? '')).active).toBe(true);
    });

    test('an API key that is paused, whose owner is suspended, that is revoked', async () => {
      const { id: userId = '' } = (await mandate.stores.users.findByEmail('viewer@acme.test')) ?? {};
      const slice = { capabilities: ['api'], roles: [], projects: [], mcpServers: [] };
      const made = await mandate.stores.apiKeys.create(actor, {
        ...slice,
        userId,
        name: 'k',
        expiresAt: null,
      });
      const { id } = made.authorization;
      const { authorizations, users } = mandate.stores;
      const isActive = async () => (await introspect(mandate.issuer, made.secret)).active;
      expect(await isActive()).toBe(true);
      for (const [off, on] of [
        [() => authorizations.suspend(actor, id), () => authorizations.resume(actor, id)],
        [() => users.suspend(actor, userId), () => users.resume(actor, userId)],
      ] as const) {
        await off();
        expect(await introspect(mandate.issuer, made.secret)).toEqual({ active: false });
        await on();
        expect(await isActive()).toBe(true);
      }
      await authorizations.revoke(actor, id);
      expect(await introspect(mandate.issuer, made.secret)).toEqual({ active: false });
    });

    test('a person who is removed, with their token, their refresh token and their key', async () => {
      const { id: userId = '' } = (await mandate.stores.users.findByEmail('analyst@acme.test')) ?? {};
      const tokens = await tokenByCode(mandate.issuer, {
        email: 'analyst@acme.test',
        answers: { api: true },
      });
      const slice = { capabilities: ['api'], roles: [], projects: [], mcpServers: [] };
      const key = await mandate.stores.apiKeys.create(actor, {
        ...slice,
        userId,
        name: 'k',
        expiresAt: null,
      });
      const presented = [tokens.access_token ?? '', key.secret];
      for (const one of presented) expect((await introspect(mandate.issuer, one)).active).toBe(true);
      const owner = await signInToApi(mandate.issuer, 'owner@acme.test');
      const tag = (await owner.call('GET', `/users/${userId}`)).headers.get('etag') ?? '';
      expect((await owner.call('DELETE', `/users/${userId}`, undefined, { 'if-match': tag })).status).toBe(
        204,
      );
      for (const one of presented) expect(await introspect(mandate.issuer, one)).toEqual({ active: false });
      const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' };
      expect(await askToken(mandate.issuer, refresh, demo.web)).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
    });

    test('a refresh of a suspended person issues nothing, and loses nothing', async () => {
      const tokens = await tokenByCode(mandate.issuer, editor);
      const { id = '' } = (await mandate.stores.users.findByEmail('editor@acme.test')) ?? {};
      const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' };
      await mandate.stores.users.suspend(actor, id);
      expect((await askToken(mandate.issuer, refresh, demo.web)).status).toBe(400);
      await mandate.stores.users.resume(actor, id);
      expect((await askToken(mandate.issuer, refresh, demo.web)).status).toBe(200);
    });

    test('a project that was deleted and made anew under its slug gives old tokens nothing', async () => {
      const slug = 'phoenix';
      const roles = await mandate.stores.roles.list();
      const { id: userId = '' } = (await mandate.stores.users.findByEmail('editor@acme.test')) ?? {};
      const roleId = roles.find((role) => role.slug === 'editor')?.id ?? '';
      const make = async () => {
        const made = await mandate.stores.projects.create(actor, { slug, name: 'Phoenix' });
        const projectId = made.outcome === 'created' ? made.project.id : '';
        await mandate.stores.users.assign(actor, { userId, roleId, projectId });
        return projectId;
      };
      const old = await make();
      const answers = { 'flows:edit': true, phoenix: true };
      const tokens = await tokenByCode(mandate.issuer, { email: 'editor@acme.test', answers });
      const slugs = async () =>
        (
          (await introspect(mandate.issuer, tokens.access_token ?? '')).authorization_details as {
            slug?: string;
          }[]
        ).map((detail) => detail.slug);
      expect(await slugs()).toContain(slug);
      await mandate.stores.projects.delete(actor, old);
      await make();
      expect(await slugs()).not.toContain(slug);
    });
  });

  test('the metadata names the endpoint and the ways to prove oneself', async () => {
    const response = await fetch(`${mandate.issuer}/.well-known/oauth-authorization-server`);
    expect(await response.json()).toMatchObject({
      introspection_endpoint: `${mandate.issuer}/introspect`,
      introspection_endpoint_auth_methods_supported: [
        'client_secret_basic',
        'client_secret_post',
        'private_key_jwt',
      ],
    });
    expect((await postForm(`${mandate.issuer}/introspect`, { token }, demo.apiServer)).status).toBe(200);
  });
});
