/** What careful clients do: pushed requests, bound tokens, revocation, sign-in; by `openid-client` wherever it knows how. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as openid from 'openid-client';
import { makeProof, type ProofRequest, proofKey } from '../support/dpop.ts';
import { type BrowserlessClient, createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, postForm, tokenByCode } from '../support/oauth.ts';
import { codeFlow, registerClient, signInIfAsked } from '../support/oauth-requests.ts';

const redirectUri = 'http://127.0.0.1:53125/callback';
const actor = { id: 'command' };

let mandate: TestMandate;
beforeAll(async () => {
  mandate = await startMandate();
});
afterAll(() => mandate.stop());

/** `mandate-cli` as openid-client plays it. */
const discover = () =>
  openid.discovery(new URL(mandate.issuer), demo.cli.id, undefined, openid.None(), {
    execute: [openid.allowInsecureRequests],
  });

async function consent(
  address: URL,
  answers: Record<string, boolean | string> = {},
  browser: BrowserlessClient = createBrowserlessClient(mandate.issuer),
): Promise<URL> {
  const page = await signInIfAsked(browser, await browser.get(address.href, { follow: true }));
  const { location } = await browser.submit(page, 'Authorize', answers, { follow: true });
  return new URL(location ?? 'about:blank');
}

/** The code flow up to the redirect back, pushed or not. */
async function request(config: openid.Configuration, fields: Record<string, string>, pushed = false) {
  const verifier = openid.randomPKCECodeVerifier();
  const parameters = {
    redirect_uri: redirectUri,
    scope: 'api',
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: openid.randomState(),
    ...fields,
  };
  const address = pushed
    ? await openid.buildAuthorizationUrlWithPAR(config, parameters)
    : openid.buildAuthorizationUrl(config, parameters);
  return { address, checks: { pkceCodeVerifier: verifier, expectedState: parameters.state } };
}

describe('pushed authorization requests (RFC 9126)', () => {
  test('openid-client pushes, the person consents, and the choice is what was pushed', async () => {
    const config = await discover();
    const { address, checks } = await request(config, { scope: 'api flows:edit' }, true);
    expect([...address.searchParams.keys()].toSorted()).toEqual(['client_id', 'request_uri']);
    const back = await consent(address, { atlas: true });
    const tokens = await openid.authorizationCodeGrant(config, back, checks);
    expect(tokens.scope).toBe('api flows:edit');
  });

  test('a request_uri is used once', async () => {
    const config = await discover();
    const { address } = await request(config, {}, true);
    await consent(address);
    const browser = createBrowserlessClient(mandate.issuer);
    const again = await browser.get(address.href, { follow: true });
    expect([again.status, again.forms]).toEqual([400, []]);
  });

  test('a request_uri of another client is refused', async () => {
    const { address } = await request(await discover(), {}, true);
    const { client_id: other } = await registerClient(mandate.issuer, redirectUri);
    address.searchParams.set('client_id', String(other));
    const page = await createBrowserlessClient(mandate.issuer).get(address.href);
    expect(page.status).toBe(400);
  });

  test('what is ours cannot be pushed in', async () => {
    const config = await discover();
    const { address, checks } = await request(config, { scope: 'api', asked_scope: 'flows:edit' }, true);
    const tokens = await openid.authorizationCodeGrant(
      config,
      await consent(address, { atlas: true }),
      checks,
    );
    expect(tokens.scope).toBe('api');
  });
});

describe('bound tokens (RFC 9449)', () => {
  async function boundTokens() {
    const config = await discover();
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'));
    const { address, checks } = await request(config, {
      dpop_jkt: await DPoP.calculateThumbprint(),
    });
    const tokens = await openid.authorizationCodeGrant(config, await consent(address), checks, undefined, {
      DPoP,
    });
    return { config, DPoP, tokens };
  }

  test('introspection says DPoP and names the key', async () => {
    const { DPoP, tokens } = await boundTokens();
    expect(tokens.token_type).toBe('dpop');
    expect(await introspect(mandate.issuer, tokens.access_token)).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { jkt: await DPoP.calculateThumbprint() },
    });
  });

  test('TK-12: the refresh token is bound to the same key', async () => {
    const { config, DPoP, tokens } = await boundTokens();
    const refresh = tokens.refresh_token ?? '';
    const other = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'));
    await expect(openid.refreshTokenGrant(config, refresh, undefined, { DPoP: other })).rejects.toMatchObject(
      {
        error: 'invalid_grant',
      },
    );
    const bare = { grant_type: 'refresh_token', client_id: demo.cli.id, refresh_token: refresh };
    expect((await askToken(mandate.issuer, bare)).body.error).toBe('invalid_grant');
    const refreshed = await openid.refreshTokenGrant(config, refresh, undefined, { DPoP });
    expect(await introspect(mandate.issuer, refreshed.access_token)).toMatchObject({
      cnf: { jkt: await DPoP.calculateThumbprint() },
    });
  });

  test('a code that was asked for with one key is not redeemed with another', async () => {
    const config = await discover();
    const [asked, used] = [await openid.randomDPoPKeyPair('ES256'), await openid.randomDPoPKeyPair('ES256')];
    const { address, checks } = await request(config, {
      dpop_jkt: await openid.getDPoPHandle(config, asked).calculateThumbprint(),
    });
    const back = await consent(address);
    const DPoP = openid.getDPoPHandle(config, used);
    await expect(
      openid.authorizationCodeGrant(config, back, checks, undefined, { DPoP }),
    ).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  test('TK-12: a proof for another address, method or time, or in no good hand, is none', async () => {
    const key = await proofKey();
    const url = `${mandate.issuer}/token`;
    const ask = async (changed: Pick<ProofRequest, 'claims' | 'header'>) => {
      const now = Math.floor(Date.now() / 1_000);
      const dpop = await makeProof(key, { method: 'POST', url, accessToken: '', now, ...changed });
      return askToken(mandate.issuer, { grant_type: 'client_credentials' }, demo.ci, { dpop });
    };
    const now = Math.floor(Date.now() / 1_000);
    for (const changed of [
      { claims: { htu: 'https://evil.example/token' } },
      { claims: { htu: `${mandate.issuer}/revoke` } },
      { claims: { htu: undefined } },
      { claims: { htm: 'GET' } },
      { claims: { jti: undefined } },
      { claims: { iat: now - 7_200 } },
      { claims: { iat: now + 7_200 } },
      { header: { typ: 'JWT' } },
      { header: { jwk: (await proofKey()).jwk } },
      { header: { jwk: undefined } },
    ] as const) {
      const { status, body } = await ask(changed);
      expect([changed, status]).toEqual([changed, 400]);
      // To a clock that is wrong a nonce is offered in place of it (section 8).
      expect(['invalid_dpop_proof', 'use_dpop_nonce']).toContain(body.error);
      expect(body.access_token).toBeUndefined();
    }
    expect((await ask({})).body.token_type).toBe('DPoP');
  });

  test('a service account may bind its token too', async () => {
    const config = await openid.discovery(new URL(mandate.issuer), demo.ci.id, demo.ci.secret, undefined, {
      execute: [openid.allowInsecureRequests],
    });
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'));
    const { access_token: token } = await openid.clientCredentialsGrant(config, {}, { DPoP });
    expect(await introspect(mandate.issuer, token)).toMatchObject({
      token_type: 'DPoP',
      cnf: { jkt: await DPoP.calculateThumbprint() },
    });
  });
});

describe('revocation (RFC 7009)', () => {
  const revoke = (token: string, fields: Record<string, string> = {}) =>
    postForm(`${mandate.issuer}/revoke`, { token, client_id: demo.cli.id, ...fields });
  const start = async (flow: Parameters<typeof codeFlow>[1] = {}) => {
    const { body } = await codeFlow(mandate.issuer, flow);
    return { access: body.access_token ?? '', refresh: body.refresh_token ?? '' };
  };
  const refresh = (token: string) =>
    askToken(mandate.issuer, { grant_type: 'refresh_token', client_id: demo.cli.id, refresh_token: token });
  const isActive = async (token: string) => (await introspect(mandate.issuer, token)).active;

  test.each([{}, { token_type_hint: 'access_token' }, { token_type_hint: 'refresh_token' }])(
    'an access token takes only itself with it, hint %j',
    async (hint) => {
      const tokens = await start();
      const next = await refresh(tokens.refresh);
      expect((await revoke(tokens.access, hint)).status).toBe(200);
      expect(await isActive(tokens.access)).toBe(false);
      expect(await isActive(next.body.access_token ?? '')).toBe(true);
      expect((await refresh(next.body.refresh_token ?? '')).status).toBe(200);
    },
  );

  test.each([{}, { token_type_hint: 'access_token' }, { token_type_hint: 'refresh_token' }])(
    'a refresh token ends the authorization, hint %j',
    async (hint) => {
      const tokens = await start();
      const id = String((await introspect(mandate.issuer, tokens.access)).authorization_id);
      expect((await revoke(tokens.refresh, hint)).status).toBe(200);
      expect(await isActive(tokens.access)).toBe(false);
      expect((await refresh(tokens.refresh)).body.error).toBe('invalid_grant');
      expect(await mandate.stores.authorizations.find(id)).toMatchObject({ status: 'revoked' });
    },
  );

  test('an install that disconnected may be authorized again, as a new authorization', async () => {
    const browser = createBrowserlessClient(mandate.issuer);
    const first = await start({ browser });
    const before = (await introspect(mandate.issuer, first.access)).authorization_id;
    await revoke(first.refresh);
    const second = await start({ browser });
    const after = (await introspect(mandate.issuer, second.access)).authorization_id;
    expect([typeof after, after === before]).toEqual(['string', false]);
  });

  test('an unknown token is answered 200', async () => {
    for (const token of ['unknown', 'x'.repeat(500), 'a.b.c.d']) {
      expect((await revoke(token)).status).toBe(200);
    }
  });

  test("another client's token stays untouched, and that client is told so", async () => {
    const { client_id: other } = await registerClient(mandate.issuer, redirectUri);
    const tokens = await start();
    for (const token of [tokens.access, tokens.refresh]) {
      const answers = [
        await revoke(token, { client_id: String(other) }),
        await postForm(`${mandate.issuer}/revoke`, { token }, demo.web),
      ];
      // "The request is refused and the client is informed of the error" (section 2.1).
      for (const { status, text } of answers) {
        expect([status, JSON.parse(text)]).toMatchObject([400, { error: 'invalid_grant' }]);
      }
    }
    expect(await isActive(tokens.access)).toBe(true);
    expect((await refresh(tokens.refresh)).status).toBe(200);
  });

  test("a service account's token is revoked, its authorization is not", async () => {
    const fields = { grant_type: 'client_credentials' };
    const one = await askToken(mandate.issuer, fields, demo.ci);
    const other = await askToken(mandate.issuer, fields, demo.ci);
    const token = one.body.access_token ?? '';
    expect((await postForm(`${mandate.issuer}/revoke`, { token }, demo.ci)).status).toBe(200);
    expect(await isActive(token)).toBe(false);
    expect(await isActive(other.body.access_token ?? '')).toBe(true);
  });

  test('a confidential client revokes with its secret only', async () => {
    const tokens = await tokenByCode(mandate.issuer, { email: 'editor@acme.test', answers: { api: true } });
    const token = tokens.refresh_token ?? '';
    const without = await postForm(`${mandate.issuer}/revoke`, { token, client_id: demo.web.id });
    expect(without.status).toBe(401);
    expect(await isActive(tokens.access_token ?? '')).toBe(true);
    await postForm(`${mandate.issuer}/revoke`, { token }, demo.web);
    expect(await isActive(tokens.access_token ?? '')).toBe(false);
  });
});

describe('OpenID Connect', () => {
  test('signing in alone gives an ID token and userinfo, and no right to anything', async () => {
    const config = await discover();
    const nonce = openid.randomNonce();
    const { address, checks } = await request(config, { scope: 'openid profile email', nonce });
    const back = await consent(address);
    const tokens = await openid.authorizationCodeGrant(config, back, { ...checks, expectedNonce: nonce });
    const editor = await mandate.stores.users.findByEmail('editor@acme.test');
    const claims = tokens.claims();
    expect(claims).toMatchObject({ iss: mandate.issuer, sub: editor?.id, aud: demo.cli.id, nonce });
    expect(await openid.fetchUserInfo(config, tokens.access_token, claims?.sub ?? '')).toMatchObject({
      sub: editor?.id,
      email: 'editor@acme.test',
      name: 'Edith Editor',
    });
    expect(await introspect(mandate.issuer, tokens.access_token)).toEqual({ active: false });
  });

  test('openid beside capabilities gives both an ID token and an access token for the API', async () => {
    const config = await discover();
    const { address, checks } = await request(config, { scope: 'openid email api' });
    const back = await consent(address);
    const tokens = await openid.authorizationCodeGrant(config, back, { ...checks, idTokenExpected: true });
    expect(tokens.claims()?.sub).toMatch(/^usr_/);
    expect(await introspect(mandate.issuer, tokens.access_token)).toMatchObject({
      aud: demo.api,
      scope: 'api',
    });
  });

  test('userinfo ends with the account', async () => {
    const config = await discover();
    const { address, checks } = await request(config, { scope: 'openid email' });
    const tokens = await openid.authorizationCodeGrant(config, await consent(address), checks);
    const editor = await mandate.stores.users.findByEmail('editor@acme.test');
    const userinfo = () =>
      fetch(`${mandate.issuer}/userinfo`, { headers: { Authorization: `Bearer ${tokens.access_token}` } });
    expect((await userinfo()).status).toBe(200);
    await mandate.stores.users.suspend(actor, editor?.id ?? '');
    expect((await userinfo()).status).toBe(401);
    await mandate.stores.users.resume(actor, editor?.id ?? '');
    expect((await userinfo()).status).toBe(200);
  });

  test('a sign-in alone is paused and ends with its authorization, as a right does', async () => {
    const config = await discover();
    const { address, checks } = await request(config, { scope: 'openid email offline_access' });
    const tokens = await openid.authorizationCodeGrant(config, await consent(address), checks);
    const { authorizations, authorizationEditor, users } = mandate.stores;
    const editor = await users.findByEmail('editor@acme.test');
    const [{ id = '' } = {}] = await authorizations.listByUser(editor?.id ?? '');
    let [access, latest] = [tokens.access_token, tokens.refresh_token ?? ''];
    const userinfo = async () =>
      (await fetch(`${mandate.issuer}/userinfo`, { headers: { Authorization: `Bearer ${access}` } })).status;
    const refresh = () =>
      askToken(mandate.issuer, {
        grant_type: 'refresh_token',
        client_id: demo.cli.id,
        refresh_token: latest,
      });
    expect(await userinfo()).toBe(200);

    await authorizations.suspend(actor, id);
    expect(await userinfo()).toBe(401);
    expect(await refresh()).toMatchObject({ status: 400, body: { error: 'access_denied' } });
    await authorizations.resume(actor, id);
    expect(await userinfo()).toBe(200);
    const again = await refresh();
    expect(again.status).toBe(200);
    [access, latest] = [String(again.body.access_token), String(again.body.refresh_token)];

    const known = await authorizations.find(id);
    if (!known) throw new Error('the authorization is gone');
    const { name, capabilities, roles, projects, mcpServers, version } = known;
    const content = { name, capabilities, roles, projects, mcpServers, expiresAt: mandate.clock.now() + 60 };
    expect(await authorizationEditor.edit(actor, id, version, content)).toMatchObject({ outcome: 'done' });
    expect(await userinfo()).toBe(200);
    mandate.clock.advance(60);
    expect(await userinfo()).toBe(401);
    expect(await refresh()).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
});
