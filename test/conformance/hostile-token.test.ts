/** Hostile requests at /token and /revoke (catalogue TK, RF, RV): what is refused consumes nothing, and tells nothing. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, authorize, introspect, pkce, postForm, tokenByCode } from '../support/oauth.ts';
import { register } from '../support/oauth-requests.ts';
import { basic } from '../support/race.ts';
import { sendTo } from '../support/raw-request.ts';

const editor = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
const actor = { id: 'command' };
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const form = 'application/x-www-form-urlencoded';

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  let other: { id: string; secret: string };
  beforeAll(async () => {
    mandate = await startMandate({ engine });
    const { body } = await register(mandate.issuer, {
      redirect_uris: [demo.web.redirect],
      grant_types: ['authorization_code', 'refresh_token', deviceGrant],
    });
    other = { id: String(body.client_id), secret: String(body.client_secret) };
  });
  afterAll(() => mandate.stop());

  /** A code of acme-web that nobody has redeemed. */
  const freshCode = async (changes: Record<string, string> = {}) => {
    const { verifier, challenge } = pkce();
    const back = await authorize(
      mandate.issuer,
      {
        client_id: demo.web.id,
        response_type: 'code',
        redirect_uri: demo.web.redirect,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        scope: 'api flows:edit',
        ...changes,
      },
      editor,
    );
    return {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      redirect_uri: demo.web.redirect,
      code_verifier: verifier,
    };
  };
  const redeem = (fields: Record<string, string>, client: { id: string; secret: string } = demo.web) =>
    askToken(mandate.issuer, fields, client);
  const refresh = (
    token: string | undefined,
    more: Record<string, string> = {},
    client = demo.web as { id: string; secret: string },
  ) => redeem({ grant_type: 'refresh_token', refresh_token: token ?? '', ...more }, client);
  const isActive = async (token: string | undefined) =>
    (await introspect(mandate.issuer, token ?? '')).active;

  describe('TK-03: what belongs to one client is nothing to another, and stays whole', () => {
    test('a code', async () => {
      const code = await freshCode();
      expect(await redeem(code, other)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect((await redeem(code)).status).toBe(200);
    });

    test('a refresh token', async () => {
      const tokens = (await redeem(await freshCode())).body;
      expect(await refresh(tokens.refresh_token, {}, other)).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
      expect(await isActive(tokens.access_token)).toBe(true);
      expect((await refresh(tokens.refresh_token)).status).toBe(200);
    });

    test('a code and a refresh token that were used are no reason to end what they gave', async () => {
      const code = await freshCode();
      const first = (await redeem(code)).body;
      const second = (await refresh(first.refresh_token)).body;
      mandate.clock.advance(61);
      for (const answer of [await redeem(code, other), await refresh(first.refresh_token, {}, other)]) {
        expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      }
      expect(await isActive(second.access_token)).toBe(true);
      expect((await refresh(second.refresh_token)).status).toBe(200);
    });

    test('a device code', async () => {
      const started = await postForm(`${mandate.issuer}/device/auth`, { client_id: demo.cli.id });
      const { device_code = '' } = JSON.parse(started.text) as Record<string, string>;
      const poll = { grant_type: deviceGrant, device_code };
      expect(await redeem(poll, other)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect(await askToken(mandate.issuer, { ...poll, client_id: demo.cli.id })).toMatchObject({
        body: { error: 'authorization_pending' },
      });
    });
  });

  describe('TK-04, TK-05: a code that is redeemed wrongly can still be redeemed rightly', () => {
    const wrong: [string, (code: Record<string, string>) => Record<string, string>, string?][] = [
      ['no verifier', ({ code_verifier: _, ...rest }) => rest],
      ['an empty verifier', (code) => ({ ...code, code_verifier: '' })],
      ['another verifier', (code) => ({ ...code, code_verifier: pkce().verifier })],
      [
        'a verifier of 42 characters',
        (code) => ({ ...code, code_verifier: 'a'.repeat(42) }),
        'invalid_request',
      ],
      [
        'a verifier of 129 characters',
        (code) => ({ ...code, code_verifier: 'a'.repeat(129) }),
        'invalid_request',
      ],
      [
        'letters that no verifier has',
        (code) => ({ ...code, code_verifier: 'ü'.repeat(50) }),
        'invalid_request',
      ],
      ['no redirect_uri', ({ redirect_uri: _, ...rest }) => rest, 'invalid_request'],
      ['another redirect_uri', (code) => ({ ...code, redirect_uri: `${demo.web.redirect}/` })],
      ['another resource', (code) => ({ ...code, resource: 'https://unknown.example/' }), 'invalid_target'],
    ];
    test('whatever was wrong', async () => {
      const code = await freshCode();
      for (const [what, change, error = 'invalid_grant'] of wrong) {
        const { status, body } = await redeem(change(code));
        expect({ what, status, error: body.error }).toEqual({ what, status: 400, error });
      }
      expect((await redeem(code)).status).toBe(200);
      // Once.
      expect(await redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    });

    test('but not after a minute', async () => {
      const code = await freshCode();
      mandate.clock.advance(61);
      expect(await redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    });
  });

  describe('TK-06: a client that does not prove itself', () => {
    test('a wrong secret is 401 with a challenge, and consumes nothing', async () => {
      const code = await freshCode();
      const { status, headers, text } = await postForm(`${mandate.issuer}/token`, code, {
        id: demo.web.id,
        secret: 'wrong',
      });
      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toMatch(/^Basic /);
      expect(JSON.parse(text)).toMatchObject({ error: 'invalid_client' });
      expect((await redeem(code)).status).toBe(200);
    });

    const unproven: [string, Record<string, string>, Record<string, string>, number[]][] = [
      ['two methods', { client_id: demo.web.id, client_secret: demo.web.secret }, basic(demo.web), [400]],
      ['no secret', { client_id: demo.web.id }, {}, [401]],
      ['an unknown client', {}, basic({ id: 'nobody', secret: 'x' }), [401]],
      ['a client whose name no database can hold', {}, basic({ id: '%00', secret: 'x' }), [400, 401]],
      ['a secret that is empty', {}, basic({ id: demo.web.id, secret: '' }), [400, 401]],
      [
        'Basic without a colon',
        {},
        { authorization: `Basic ${Buffer.from('x').toString('base64')}` },
        [400, 401],
      ],
      ['Basic that is no base64', {}, { authorization: 'Basic %%%' }, [400, 401]],
      ['Bearer', {}, { authorization: 'Bearer x' }, [400, 401]],
      [
        'a broken escape',
        {},
        { authorization: `Basic ${Buffer.from('%E0%A4%A:x').toString('base64')}` },
        [400, 401],
      ],
      ['a stored hash as secret', {}, basic({ id: demo.web.id, secret: 'HASH' }), [401]],
      ['the id of a public client and some secret', {}, basic({ id: demo.cli.id, secret: 'x' }), [400, 401]],
    ];
    test.each(unproven)('%s', async (_what, fields, headers, statuses) => {
      const stored = (await mandate.stores.clients.find(demo.web.id))?.secretHash ?? '';
      const authorization = headers.authorization;
      const sent = authorization?.includes(Buffer.from('HASH').toString('base64').slice(0, 4))
        ? basic({ id: demo.web.id, secret: stored })
        : headers;
      const { port } = new URL(mandate.issuer);
      const answer = await sendTo(port, '/token', {
        headers: { host: new URL(mandate.issuer).host, ...sent },
        body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', ...fields }),
      });
      expect(statuses).toContain(answer.status);
      expect(answer.headers['cache-control']).toContain('no-store');
    });
  });

  test('a client_id with NUL in it is unknown wherever it is sent', async () => {
    for (const path of ['/token', '/par', '/device/auth', '/revoke']) {
      const { status } = await postForm(`${mandate.issuer}${path}`, { client_id: 'a\0b', token: 'x' });
      expect({ path, status }).toEqual({ path, status: 401 });
    }
    const { status } = await fetch(`${mandate.issuer}/authorize?client_id=a%00b`);
    expect(status).toBe(400);
  });

  describe('TK-07: a request that is no form', () => {
    const good = () =>
      new URLSearchParams({ grant_type: 'client_credentials', resource: demo.api }).toString();
    const odd: [
      string,
      { method?: string; headers?: Record<string, string>; body?: string; query?: boolean },
    ][] = [
      ['GET', { method: 'GET', query: true }],
      ['PUT', { method: 'PUT' }],
      ['DELETE', { method: 'DELETE' }],
      [
        'JSON',
        { headers: { 'content-type': 'application/json' }, body: '{"grant_type":"client_credentials"}' },
      ],
      ['multipart', { headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: '--x--' }],
      ['two media types', { headers: { 'content-type': `application/json, ${form}` } }],
      ['no media type', { headers: { 'content-type': '' } }],
      ['a charset that there is none', { headers: { 'content-type': `${form}; charset=bogus` } }],
      ['a charset that it is not read in', { headers: { 'content-type': `${form};charset="UTF-16"` } }],
      ['two charsets', { headers: { 'content-type': `${form}; charset=utf-8; charset=utf-7` } }],
      ['an empty charset', { headers: { 'content-type': `${form}; charset=` } }],
      ['parameters in the query', { query: true, body: '' }],
      ['two grant types', { body: `${good()}&grant_type=refresh_token` }],
      ['the same grant type twice', { body: `${good()}&grant_type=client_credentials` }],
      ['no grant type', { body: 'x=1' }],
      ['an unknown grant type', { body: 'grant_type=password&username=x&password=y' }],
      ['a broken escape', { body: 'grant_type=%E0%A4%A' }],
      ['a nested name', { body: `${good()}&scope[x]=1&__proto__[x]=1`.replace('client_credentials', 'x') }],
      ['a body of 200 KB', { body: `${good()}&x=${'x'.repeat(200_000)}` }],
    ];
    test.each(odd)('%s is 4xx', async (_what, { method = 'POST', headers, body, query }) => {
      const { port } = new URL(mandate.issuer);
      const { status, text } = await sendTo(port, `/token${query ? `?${good()}` : ''}`, {
        method,
        headers: {
          host: new URL(mandate.issuer).host,
          ...basic(demo.ci),
          'content-type': form,
          ...headers,
        },
        ...(method === 'GET' ? {} : { body: body ?? good() }),
      });
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(text).not.toContain('access_token');
    });

    test.each(['utf-8', '"UTF-8"', 'us-ascii', 'ISO-8859-1'])(
      'but charset=%s is what libraries say of a form in ASCII',
      async (charset) => {
        const { status } = await sendTo(new URL(mandate.issuer).port, '/token', {
          headers: {
            host: new URL(mandate.issuer).host,
            ...basic(demo.ci),
            'content-type': `${form}; charset=${charset}`,
          },
          body: good(),
        });
        expect(status).toBe(200);
      },
    );
  });

  test('RF-07: a refresh that asks for more gets no more', async () => {
    const tokens = (await redeem(await freshCode())).body;
    const asked = await refresh(tokens.refresh_token, { scope: 'api flows:edit secrets:edit apps:admin x' });
    expect(asked).toMatchObject({ status: 200, body: { scope: 'api flows:edit' } });
    expect(await introspect(mandate.issuer, asked.body.access_token ?? '')).toMatchObject({
      scope: 'api flows:edit',
    });
  });

  test('RF-07: a refresh that asks for elsewhere is refused, and consumes nothing', async () => {
    const tokens = (await redeem(await freshCode())).body;
    for (const more of [
      { resource: 'https://unknown.example/' },
      { resource: demo.borealisReports },
      { resource: 'relative' },
    ] as Record<string, string>[]) {
      const { status, body } = await refresh(tokens.refresh_token, more);
      expect({ more, status }).toEqual({ more, status: 400 });
      expect(['invalid_scope', 'invalid_target']).toContain(body.error);
    }
    const row = await mandate.store.db
      .selectFrom('oidc_artifacts')
      .select('consumed_at')
      .where('model', '=', 'RefreshToken')
      .where(
        'grant_id',
        '=',
        String((await introspect(mandate.issuer, tokens.access_token ?? '')).authorization_id),
      )
      .execute();
    expect(row).toEqual([{ consumed_at: null }]);
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
  });

  describe('RV-01: revocation', () => {
    const revoke = (token: string | undefined, client: { id: string; secret: string } = demo.web) =>
      postForm(`${mandate.issuer}/revoke`, { token: token ?? '' }, client);

    test('of a refresh token ends the authorization and all of its tokens, when it is acknowledged', async () => {
      const first = (await redeem(await freshCode())).body;
      const second = (await refresh(first.refresh_token)).body;
      const { authorization_id: id } = await introspect(mandate.issuer, second.access_token ?? '');
      expect((await revoke(second.refresh_token)).status).toBe(200);
      expect(await isActive(first.access_token)).toBe(false);
      expect(await isActive(second.access_token)).toBe(false);
      expect((await refresh(second.refresh_token)).status).toBe(400);
      expect(await mandate.stores.authorizations.find(String(id))).toMatchObject({ status: 'revoked' });
    });

    test('of an access token ends that token, when it is acknowledged, and nothing else', async () => {
      const first = (await redeem(await freshCode())).body;
      const second = (await refresh(first.refresh_token)).body;
      // Asked before, so that an answer may be remembered somewhere.
      expect(await isActive(second.access_token)).toBe(true);
      expect((await revoke(second.access_token)).status).toBe(200);
      expect(await isActive(second.access_token)).toBe(false);
      expect(await isActive(first.access_token)).toBe(true);
      expect((await refresh(second.refresh_token)).status).toBe(200);
    });

    test('of something unknown is 200; of another client’s token it is refused, and changes nothing', async () => {
      const tokens = (await redeem(await freshCode())).body;
      expect((await revoke('unknown')).status).toBe(200);
      for (const token of [tokens.access_token, tokens.refresh_token]) {
        const { status, text } = await revoke(token, other);
        expect([status, JSON.parse(text)]).toMatchObject([400, { error: 'invalid_grant' }]);
        expect(await isActive(tokens.access_token)).toBe(true);
      }
      expect((await refresh(tokens.refresh_token)).status).toBe(200);
      expect((await revoke(tokens.access_token, { ...demo.web, secret: 'wrong' })).status).toBe(401);
    });
  });

  test('RV-02: a code and a refresh token of a revoked authorization are worth nothing', async () => {
    const browser = createBrowserlessClient(mandate.issuer);
    const tokens = await tokenByCode(mandate.issuer, editor, {}, browser);
    const { authorization_id: id } = await introspect(mandate.issuer, tokens.access_token ?? '');
    // The same browser consents again: the same authorization, and a code that is still to be redeemed.
    const { verifier, challenge } = pkce();
    const back = await authorize(
      mandate.issuer,
      {
        client_id: demo.web.id,
        response_type: 'code',
        redirect_uri: demo.web.redirect,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        scope: 'api flows:edit',
      },
      editor,
      browser,
    );
    await mandate.stores.authorizations.revoke(actor, String(id));
    expect(
      await redeem({
        grant_type: 'authorization_code',
        code: back.searchParams.get('code') ?? '',
        redirect_uri: demo.web.redirect,
        code_verifier: verifier,
      }),
    ).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(await refresh(tokens.refresh_token)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
  });
});
