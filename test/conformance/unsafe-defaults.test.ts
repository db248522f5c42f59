/** ENGINE "Defaults that are unsafe here", a test for each line. Starts that are refused are in unsafe-defaults-start.test.ts, races in test/fault. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient, formOf } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, pkce, postForm, tokenByCode } from '../support/oauth.ts';
import { openConsent, register } from '../support/oauth-requests.ts';
import { sendTo } from '../support/raw-request.ts';

const editor = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
const redirect = 'https://tool.example/callback';

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
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const rows = async (model: string) =>
    mandate.store.db.selectFrom('oidc_artifacts').selectAll().where('model', '=', model).execute();

  describe('client_credentials', () => {
    const request = { grant_type: 'client_credentials', resource: demo.api };

    test('is not for a client that registered itself, whatever it asked to be', async () => {
      for (const token_endpoint_auth_method of ['none', 'client_secret_basic']) {
        const { status, body } = await register(mandate.issuer, {
          redirect_uris: [redirect],
          grant_types: ['client_credentials', 'authorization_code'],
          token_endpoint_auth_method,
        });
        expect(status).toBe(201);
        expect(body.grant_types).not.toContain('client_credentials');
        const id = String(body.client_id);
        const secret = body.client_secret === undefined ? undefined : String(body.client_secret);
        const asked = secret
          ? await askToken(mandate.issuer, request, { id, secret })
          : await askToken(mandate.issuer, { ...request, client_id: id });
        expect(asked.status).toBe(400);
        expect(asked.body.error_description).toBe('requested grant type is not allowed for this client');
      }
    });

    test('is not for a registered client without a service account, even where its metadata says so', async () => {
      const secret = 'a-client-secret-of-this-test-0123456789';
      await mandate.stores.clients.saveRegistered(
        { id: 'command' },
        {
          id: `no-account-${engine}`,
          secret,
          metadata: { redirect_uris: [], response_types: [], grant_types: ['client_credentials'] },
        },
      );
      expect(await askToken(mandate.issuer, request, { id: `no-account-${engine}`, secret })).toMatchObject({
        status: 400,
        body: { error: 'unauthorized_client' },
      });
    });
  });

  describe('a client assertion', () => {
    test.each([
      ['the issuer', (issuer: string) => issuer, 200],
      ['the issuer with a slash', (issuer: string) => `${issuer}/`, 401],
      ['the token endpoint', (issuer: string) => `${issuer}/token`, 401],
      ['another host', () => 'https://evil.example', 401],
      ['the issuer among others', (issuer: string) => [issuer, 'https://evil.example'], 401],
    ])('whose aud is %s', async (_what, audience, expected) => {
      const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
      const { body } = await register(mandate.issuer, {
        redirect_uris: [redirect],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig' }] },
      });
      const id = String(body.client_id);
      const assertion = await new SignJWT({ jti: randomUUID(), aud: audience(mandate.issuer) })
        .setProtectedHeader({ alg: 'ES256' })
        .setIssuer(id)
        .setSubject(id)
        .setIssuedAt()
        .setExpirationTime('1m')
        .sign(privateKey);
      const { status } = await postForm(`${mandate.issuer}/revoke`, {
        token: 'unknown',
        client_id: id,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      });
      expect(status).toBe(expected);
    });

    test.each(['/token', '/introspect', '/.well-known/openid-configuration', '/authorize', '/'])(
      'and anything else under a foreign Host gets 421 at %s',
      async (path) => {
        const { port } = new URL(mandate.issuer);
        const { status, text } = await sendTo(port, path, { headers: { host: 'evil.example' } });
        expect(status).toBe(421);
        expect(text).not.toContain('evil.example');
      },
    );
  });

  describe('introspection', () => {
    test('is not for a client that registered itself', async () => {
      const { body } = await register(mandate.issuer, { redirect_uris: [redirect] });
      const { status, headers, text } = await postForm(
        `${mandate.issuer}/introspect`,
        { token: 'any' },
        { id: String(body.client_id), secret: String(body.client_secret) },
      );
      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toMatch(/^Basic /);
      expect(text).not.toContain('active');
    });

    test('tells nothing of refresh tokens, nor of tokens for another audience', async () => {
      const tokens = await tokenByCode(mandate.issuer, editor);
      expect(await introspect(mandate.issuer, tokens.access_token ?? '')).toMatchObject({ active: true });
      expect(await introspect(mandate.issuer, tokens.refresh_token ?? '')).toEqual({ active: false });
      expect(await introspect(mandate.issuer, tokens.access_token ?? '', demo.mcpServer)).toEqual({
        active: false,
      });
    });
  });

  describe('an interaction', () => {
    test('AZ-12: is answered at its own address only, and by its own browser only', async () => {
      const victim = createBrowserlessClient(mandate.issuer);
      const attacker = createBrowserlessClient(mandate.issuer);
      const page = await openConsent(victim, webRequest());
      const other = await openConsent(attacker, webRequest(), 'viewer@acme.test');
      const { target, fields } = formOf(other, 'Authorize', { api: true });
      // Another browser's address, with the own cookies and with the cookies of that address.
      for (const cookie of [
        victim.cookieHeader(new URL(page.url).pathname),
        victim.cookieHeader(target.pathname),
        '',
      ]) {
        const headers = { cookie };
        expect((await createBrowserlessClient(mandate.issuer).get(target.pathname, { headers })).status).toBe(
          400,
        );
        const posted = await createBrowserlessClient(mandate.issuer).postForm(target.pathname, fields, {
          headers,
        });
        expect(posted.status).toBe(400);
        expect(posted.location).toBeUndefined();
      }
      // It is untouched: its own browser goes on.
      expect((await attacker.submit(other, 'Authorize', { api: true })).status).toBe(303);
    });

    test('LG-12: whose cookie was tampered with is none', async () => {
      const own = createBrowserlessClient(mandate.issuer);
      const page = await openConsent(own, webRequest());
      const path = new URL(page.url).pathname;
      const cookie = own
        .cookieHeader(path)
        .replace(
          /(mandate_interaction\.sig=)(.)/,
          (_all, name, first) => `${name}${first === 'a' ? 'b' : 'a'}`,
        );
      const tampered = await createBrowserlessClient(mandate.issuer).get(path, { headers: { cookie } });
      expect(tampered.status).toBe(400);
    });

    test('CN-12: that was answered makes no second code, by its form or by its return address', async () => {
      const own = createBrowserlessClient(mandate.issuer);
      const page = await openConsent(own, webRequest());
      const { target, fields } = formOf(page, 'Authorize', { api: true });
      const cookies = own.cookieHeader(target.pathname);
      const { location = '' } = await own.postForm(target.pathname, fields);
      const resume = own.cookieHeader(new URL(location).pathname);
      expect((await own.get(location)).location).toContain('code=');
      const codes = (await rows('AuthorizationCode')).length;
      const stranger = createBrowserlessClient(mandate.issuer);
      const again = await stranger.postForm(target.pathname, fields, { headers: { cookie: cookies } });
      expect(again.status).toBe(400);
      const returned = await stranger.get(location, { headers: { cookie: resume } });
      expect(returned.status).toBe(400);
      expect(returned.location).toBeUndefined();
      expect(await rows('AuthorizationCode')).toHaveLength(codes);
    });

    test('does not end at a redirect URI that its client lost meanwhile', async () => {
      const id = `moving-${engine}`;
      const metadata = (uri: string) => ({
        redirect_uris: [uri],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      });
      const { clients } = mandate.stores;
      await clients.saveRegistered({ id: 'command' }, { id, metadata: metadata(redirect) });
      const own = createBrowserlessClient(mandate.issuer);
      const page = await openConsent(own, { ...webRequest(), client_id: id, redirect_uri: redirect });
      await clients.saveRegistered(
        { id: 'command' },
        { id, metadata: metadata('https://new.example/callback') },
      );
      const end = await own.submit(page, 'Authorize', { api: true }, { follow: true });
      expect(end.status).toBe(400);
      expect(end.location).toBeUndefined();
    });

    test('keeps no session identifier', async () => {
      const own = createBrowserlessClient(mandate.issuer);
      await openConsent(own, webRequest());
      await openConsent(own, webRequest());
      for (const { payload } of await rows('Interaction')) expect(payload).not.toContain('"cookie"');
    });
  });

  test('a grant outlives its refresh tokens', async () => {
    const tokens = await tokenByCode(mandate.issuer, editor);
    const { authorization_id: id } = await introspect(mandate.issuer, tokens.access_token ?? '');
    const ofIt = await mandate.store.db
      .selectFrom('oidc_artifacts')
      .select(['model', 'expires_at'])
      .where('grant_id', '=', String(id))
      .execute();
    const ends = (model: string) => ofIt.filter((row) => row.model === model).map((row) => row.expires_at);
    expect(ends('RefreshToken')).toHaveLength(1);
    expect(Math.min(...ends('Grant'))).toBeGreaterThan(Math.max(...ends('RefreshToken')));
  });

  test('anonymous visits leave rows for minutes, and the garbage collector takes them', async () => {
    const before = (await rows('Session')).length + (await rows('Interaction')).length;
    for (let visit = 0; visit < 5; visit++) {
      await createBrowserlessClient(mandate.issuer).get('/device');
      await createBrowserlessClient(mandate.issuer).get(`/authorize?${new URLSearchParams(webRequest())}`);
    }
    const anonymous = [...(await rows('Session')), ...(await rows('Interaction'))].filter(
      ({ account_id }) => account_id === null,
    );
    expect(anonymous.length).toBeGreaterThanOrEqual(10);
    for (const { expires_at } of anonymous) {
      expect(expires_at - mandate.clock.now()).toBeLessThanOrEqual(3_600);
    }
    mandate.clock.advance(3_600 + 121);
    await mandate.app.garbage.collect();
    const left = [...(await rows('Session')), ...(await rows('Interaction'))];
    expect(left.filter(({ account_id }) => account_id === null)).toEqual([]);
    expect(left.length).toBeLessThanOrEqual(before);
  });

  test('MD-06: X-Forwarded-* and Forwarded are nobody’s word where no proxy is trusted', async () => {
    const forged = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-port': '444',
      forwarded: 'for=203.0.113.9;host=evil.example;proto=https',
    };
    const metadata = await fetch(`${mandate.issuer}/.well-known/openid-configuration`, { headers: forged });
    const text = await metadata.text();
    expect(text).not.toContain('evil.example');
    expect(text).toContain(`"token_endpoint":"${mandate.issuer}/token"`);
    const { headers } = await fetch(`${mandate.issuer}/device`, { headers: forged });
    expect(headers.getSetCookie().join()).not.toMatch(/secure/i);
    await postForm(`${mandate.issuer}/device/auth`, { client_id: demo.cli.id }, undefined, forged);
    for (const { payload } of await rows('DeviceCode')) expect(payload).not.toContain('203.0.113.9');
  });
});
