/** A client manages its own registration with the token that it was given for it (RFC 7592). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, authorize, introspect, pkce, postForm } from '../support/oauth.ts';
import { register, registerClient } from '../support/oauth-requests.ts';

const redirectUri = 'https://web.example/callback';
const actor = { id: 'command' };

interface Registered {
  readonly id: string;
  readonly secret: string;
  readonly token: string;
  readonly uri: string;
}

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const confidential = async (more: Record<string, unknown> = {}): Promise<Registered> => {
    const { status, body } = await register(mandate.issuer, {
      redirect_uris: [redirectUri],
      client_name: 'Web',
      ...more,
    });
    expect(status).toBe(201);
    return {
      id: String(body.client_id),
      secret: String(body.client_secret),
      token: String(body.registration_access_token),
      uri: String(body.registration_client_uri),
    };
  };
  const manage = async (method: string, uri: string, token?: string, body?: unknown) => {
    const response = await fetch(uri, {
      method,
      headers: {
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    return { status: response.status, headers: response.headers, body: answer };
  };
  const replacement = (client: Registered, more: Record<string, unknown> = {}) => ({
    client_id: client.id,
    redirect_uris: [redirectUri],
    client_name: 'Web',
    ...more,
  });
  const tokenOf = async (client: Registered) => {
    const { verifier, challenge } = pkce();
    const request = {
      client_id: client.id,
      response_type: 'code',
      redirect_uri: redirectUri,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      scope: 'api',
    };
    const person = { email: 'editor@acme.test', answers: { api: true } };
    const back = await authorize(mandate.issuer, request, person);
    const fields = {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: verifier,
    };
    const { body } = await askToken(mandate.issuer, fields, client);
    return { access: body.access_token ?? '', refresh: body.refresh_token ?? '' };
  };

  test('a confidential client reads what it registered; its secret is not told again', async () => {
    const client = await confidential();
    expect(client.uri).toBe(`${mandate.issuer}/register/${client.id}`);
    const { status, headers, body } = await manage('GET', client.uri, client.token);
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toMatchObject({
      client_id: client.id,
      client_name: 'Web',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'client_secret_basic',
      registration_access_token: client.token,
      registration_client_uri: client.uri,
    });
    expect(body).not.toHaveProperty('client_secret');
  });

  test('a public client, whose id any install of the tool shares, gets no token and is not managed', async () => {
    const registered = await registerClient(mandate.issuer, 'http://127.0.0.1:7001/callback');
    expect(registered).not.toHaveProperty('registration_access_token');
    expect(registered).not.toHaveProperty('registration_client_uri');
    const uri = `${mandate.issuer}/register/${String(registered.client_id)}`;
    const { token } = await confidential();
    for (const method of ['GET', 'DELETE']) {
      expect((await manage(method, uri, token)).status).toBe(401);
      expect((await manage(method, uri)).status).toBe(401);
    }
    expect(await mandate.stores.clients.find(String(registered.client_id))).toBeDefined();
  });

  test('replacing cleans as registering does, leaves out what is left out, and rotates the token', async () => {
    const client = await confidential({ client_uri: 'https://web.example' });
    await mandate.stores.clients.verify(actor, client.id);
    const replaced = await manage(
      'PUT',
      client.uri,
      client.token,
      replacement(client, { client_name: 'Web 2', client_secret: client.secret, scope: 'mcp', vendor: 1 }),
    );
    expect(replaced.body).toMatchObject({ client_name: 'Web 2', grant_types: expect.any(Array) as unknown });
    expect(replaced.status).toBe(200);
    expect(replaced.body).not.toHaveProperty('client_uri');
    expect(replaced.body).not.toHaveProperty('scope');
    expect(replaced.body).not.toHaveProperty('client_secret');
    const next = String(replaced.body.registration_access_token);
    expect(next).not.toBe(client.token);
    expect((await manage('GET', client.uri, client.token)).status).toBe(401);
    expect((await manage('GET', client.uri, next)).body.client_name).toBe('Web 2');
    // Nobody vouched for the new name.
    expect((await mandate.stores.clients.find(client.id))?.verified).toBe(false);
    expect((await tokenOf(client)).access).not.toBe('');
  });

  test('a client that moves to signed assertions loses its secret, and gets a new one when it comes back', async () => {
    const client = await confidential();
    const jwks = { keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }] };
    const signing = { token_endpoint_auth_method: 'private_key_jwt', jwks };
    const moved = await manage('PUT', client.uri, client.token, replacement(client, signing));
    expect([moved.status, moved.body.token_endpoint_auth_method]).toEqual([200, 'private_key_jwt']);
    expect((await mandate.stores.clients.find(client.id))?.secretHash).toBeNull();
    const token = String(moved.body.registration_access_token);
    const back = await manage('PUT', client.uri, token, replacement(client));
    expect(back.status).toBe(200);
    const secret = String(back.body.client_secret);
    expect((await tokenOf({ ...client, secret })).access).not.toBe('');
  });

  test.each<[string, (client: Registered) => Record<string, unknown>, string]>([
    ['another client_id', (client) => replacement(client, { client_id: 'acme-web' }), 'invalid_request'],
    ['no client_id', () => ({ redirect_uris: [redirectUri] }), 'invalid_request'],
    ['a wrong secret', (client) => replacement(client, { client_secret: 'wrong' }), 'invalid_request'],
    [
      'what only the server says',
      (client) => replacement(client, { registration_access_token: 'mine' }),
      'invalid_request',
    ],
    [
      'a dangerous redirect',
      (client) => replacement(client, { redirect_uris: ['http://evil.example/cb'] }),
      'invalid_redirect_uri',
    ],
    [
      'becoming public',
      (client) => replacement(client, { token_endpoint_auth_method: 'none' }),
      'invalid_client_metadata',
    ],
    [
      'keys that are none',
      (client) => replacement(client, { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: 1 } }),
      'invalid_client_metadata',
    ],
  ])('%s is refused and changes nothing', async (_, body, error) => {
    const client = await confidential();
    const before = await mandate.stores.clients.find(client.id);
    const refused = await manage('PUT', client.uri, client.token, body(client));
    expect([refused.status, refused.body.error]).toEqual([400, error]);
    expect(await mandate.stores.clients.find(client.id)).toEqual(before);
    expect((await manage('GET', client.uri, client.token)).status).toBe(200);
  });

  test('a body that is no JSON object is refused', async () => {
    const client = await confidential();
    expect((await manage('PUT', client.uri, client.token, [])).body.error).toBe('invalid_client_metadata');
    expect((await manage('PUT', client.uri, client.token, 'x'.repeat(70_000))).status).toBe(400);
  });

  test('deleting ends its authorizations and tokens at once; the token is worth nothing afterwards', async () => {
    const client = await confidential();
    const { access, refresh } = await tokenOf(client);
    const { authorization_id: id } = await introspect(mandate.issuer, access);
    const deleted = await manage('DELETE', client.uri, client.token);
    expect(deleted.status).toBe(204);
    expect(await introspect(mandate.issuer, access)).toEqual({ active: false });
    expect((await mandate.stores.authorizations.find(String(id)))?.status).toBe('revoked');
    const fields = { grant_type: 'refresh_token', refresh_token: refresh };
    expect(await askToken(mandate.issuer, fields, client)).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    for (const method of ['GET', 'DELETE'])
      expect((await manage(method, client.uri, client.token)).status).toBe(401);
  });

  describe('RG-07', () => {
    test('the token of one client says nothing about another and changes nothing of it', async () => {
      const [one, other] = [await confidential(), await confidential()];
      const before = await mandate.stores.clients.find(other.id);
      const attempts = [
        await manage('GET', other.uri, one.token),
        await manage('PUT', other.uri, one.token, replacement(other, { client_name: 'Taken' })),
        await manage('DELETE', other.uri, one.token),
        await manage('DELETE', `${mandate.issuer}/register/${demo.web.id}`, one.token),
        await manage('GET', `${mandate.issuer}/register/unknown`, one.token),
        await manage('GET', other.uri, 'guessed'),
      ];
      for (const { status, headers, body } of attempts) {
        expect([status, body]).toEqual([401, attempts[0]?.body]);
        expect(headers.get('www-authenticate')).toContain('error="invalid_token"');
      }
      expect(await mandate.stores.clients.find(other.id)).toEqual(before);
      expect((await manage('GET', one.uri, one.token)).status).toBe(200);
    });

    test('is no access token, no refresh token, and kept as a hash alone', async () => {
      const client = await confidential();
      expect(await introspect(mandate.issuer, client.token)).toEqual({ active: false });
      const fields = { grant_type: 'refresh_token', refresh_token: client.token };
      expect((await askToken(mandate.issuer, fields, client)).body.error).toBe('invalid_grant');
      const revoked = await postForm(`${mandate.issuer}/revoke`, { token: client.token }, client);
      expect(revoked.status).toBe(200);
      expect((await manage('GET', client.uri, client.token)).status).toBe(200);
      const rows = await mandate.store.db.selectFrom('oidc_artifacts').selectAll().execute();
      expect(JSON.stringify(rows)).not.toContain(client.token);
    });

    test('of two replacements at once one is done', async () => {
      const client = await confidential();
      const answers = await Promise.all(
        ['A', 'B'].map((name) =>
          manage('PUT', client.uri, client.token, replacement(client, { client_name: name })),
        ),
      );
      // As if the other had come first: its replacement took this one's token with it.
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401]);
      const [done, late] = [200, 401].map((status) => answers.find((answer) => answer.status === status));
      expect(late?.body.error).toBe('invalid_token');
      expect(late?.headers.get('www-authenticate')).toContain('invalid_token');
      const now = await manage('GET', client.uri, String(done?.body.registration_access_token));
      expect(now.body.client_name).toBe(done?.body.client_name);
    });

    test('a disabled client is told so and may not change itself', async () => {
      const client = await confidential();
      await mandate.stores.clients.disable(actor, client.id);
      expect((await manage('GET', client.uri, client.token)).status).toBe(403);
      expect((await manage('DELETE', client.uri, client.token)).status).toBe(403);
    });

    test('a client that nobody used goes with its token, and the token is good for years otherwise', async () => {
      const client = await confidential();
      mandate.clock.advance(86_000);
      expect((await manage('GET', client.uri, client.token)).status).toBe(200);
      mandate.clock.advance(1_000);
      await mandate.app.garbage.collect();
      expect((await manage('GET', client.uri, client.token)).status).toBe(401);
      const left = await mandate.store.db
        .selectFrom('oidc_artifacts')
        .select('key')
        .where('client_id', '=', client.id)
        .execute();
      expect(left).toEqual([]);
    });
  });
});
