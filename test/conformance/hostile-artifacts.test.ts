/** Codes, tokens and keys where they do not belong (catalogue TK-14): each opens its own door alone, and no refusal tells which one it knew. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { authorize, introspect, pkce, postForm, tokenByCode } from '../support/oauth.ts';
import { register } from '../support/oauth-requests.ts';

const editor = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const { verifier, challenge } = pkce();

describe.each(engines)('TK-14: on %s', (engine) => {
  let mandate: TestMandate;
  let other: { id: string; secret: string };
  let managed: { uri: string; token: string };
  let artifacts: Record<string, string>;

  const freshCode = async () => {
    const request = {
      client_id: demo.web.id,
      response_type: 'code',
      redirect_uri: demo.web.redirect,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      scope: 'api',
    };
    return (await authorize(mandate.issuer, request, editor)).searchParams.get('code') ?? '';
  };
  const redeem = (code: string, client: { id: string; secret: string } = demo.web) =>
    postForm(
      `${mandate.issuer}/token`,
      {
        grant_type: 'authorization_code',
        code,
        redirect_uri: demo.web.redirect,
        code_verifier: verifier,
      },
      client,
    );
  const refresh = (refresh_token: string, client: { id: string; secret: string } = demo.web) =>
    postForm(`${mandate.issuer}/token`, { grant_type: 'refresh_token', refresh_token }, client);
  const startDevice = async () =>
    JSON.parse(
      (await postForm(`${mandate.issuer}/device/auth`, { client_id: demo.cli.id, scope: 'api' })).text,
    ) as Record<string, string>;
  const poll = (device_code: string) =>
    postForm(`${mandate.issuer}/token`, { grant_type: deviceGrant, client_id: demo.cli.id, device_code });

  beforeAll(async () => {
    mandate = await startMandate({ engine });
    const { body } = await register(mandate.issuer, {
      redirect_uris: [demo.web.redirect],
      grant_types: ['authorization_code', 'refresh_token', deviceGrant],
    });
    other = { id: String(body.client_id), secret: String(body.client_secret) };
    managed = { uri: String(body.registration_client_uri), token: String(body.registration_access_token) };

    const expired = await freshCode();
    const tokens = await tokenByCode(mandate.issuer, editor);
    mandate.clock.advance(61);
    const spent = await freshCode();
    expect((await redeem(spent)).status).toBe(200);
    const device = await startDevice();
    const owner = await mandate.stores.users.findByEmail(editor.email);
    const key = {
      ...{ capabilities: ['api'], roles: [], projects: [], mcpServers: [] },
      ...{ userId: owner?.id ?? '', name: 'key', expiresAt: null },
    };
    artifacts = {
      code: await freshCode(),
      'an expired code': expired,
      'a used code': spent,
      access_token: tokens.access_token ?? '',
      refresh_token: tokens.refresh_token ?? '',
      device_code: device.device_code ?? '',
      user_code: device.user_code ?? '',
      'a registration access token': managed.token,
      'an API key': (await mandate.stores.apiKeys.create({ id: 'command' }, key)).secret,
      'a grant id': String((await introspect(mandate.issuer, tokens.access_token ?? '')).authorization_id),
      'an alias': `~${'A'.repeat(43)}~${'A'.repeat(43)}`,
      nothing: 'unknown',
    };
  });
  afterAll(() => mandate.stop());

  /** What a door says to everything but its own, and to its own when another client brings it. */
  const places: [
    string,
    'its own client' | 'another client',
    (value: string) => ReturnType<typeof postForm>,
  ][] = [
    ['code', 'its own client', redeem],
    ['refresh_token', 'its own client', refresh],
    ['device_code', 'its own client', poll],
    ['code', 'another client', (value) => redeem(value, other)],
    ['refresh_token', 'another client', (value) => refresh(value, other)],
  ];
  test.each(places)('at /token as %s, by %s', async (place, by, ask) => {
    const said = new Map<string, string[]>();
    for (const [kind, value] of Object.entries(artifacts)) {
      if (kind === place && by === 'its own client') continue;
      const { status, headers, text } = await ask(value);
      expect({ kind, status, cache: headers.get('cache-control') }).toEqual({
        kind,
        status: 400,
        cache: 'no-store',
      });
      said.set(text, [...(said.get(text) ?? []), kind]);
    }
    expect([...said.values()]).toHaveLength(1);
    expect([...said.keys()][0]).toContain('"invalid_grant"');
  });

  test('as a token of a person at /userinfo, and as the token of a registration', async () => {
    for (const [kind, value] of Object.entries(artifacts)) {
      const headers = { authorization: `Bearer ${value}` };
      const userinfo = await fetch(`${mandate.issuer}/userinfo`, { headers });
      // An access token that is good for an API is one, and not for the person's own data (RFC 6750 section 3.1: insufficient_scope).
      expect({ kind, status: userinfo.status }).toEqual({
        kind,
        status: kind === 'access_token' ? 403 : 401,
      });
      if (kind === 'a registration access token') continue;
      const registration = await fetch(managed.uri, { headers });
      expect({ kind, status: registration.status }).toEqual({ kind, status: 401 });
    }
  });

  test('at /introspect, where access tokens and API keys are what they are', async () => {
    for (const [kind, value] of Object.entries(artifacts)) {
      const { active } = await introspect(mandate.issuer, value);
      expect({ kind, active }).toEqual({ kind, active: kind === 'access_token' || kind === 'an API key' });
    }
  });

  test('and opens its own afterwards', async () => {
    expect((await redeem(artifacts.code ?? '')).status).toBe(200);
    expect((await refresh(artifacts.refresh_token ?? '')).status).toBe(200);
    expect(JSON.parse((await poll(artifacts.device_code ?? '')).text)).toMatchObject({
      error: 'authorization_pending',
    });
  });
});
