/** Dynamic registration as real clients do it, and what a client discovers: by the numbers of "What real clients need". */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { codeFlow, register, registerClient } from '../support/oauth-requests.ts';

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const redirectUri = 'http://127.0.0.1:7001/callback';
  const rowsOf = async (id: unknown) => {
    const all = await mandate.stores.clients.list({ kind: 'dynamic', limit: 1_000 });
    return all.filter((client) => client.id === id);
  };

  describe('2. a registration that carries resource scopes', () => {
    test('is taken, and limits nothing: the client may ask for more later', async () => {
      const registered = await registerClient(mandate.issuer, redirectUri, { scope: 'mcp' });
      expect(registered.scope).toBeUndefined();
      const { status, body } = await codeFlow(mandate.issuer, {
        clientId: String(registered.client_id),
        redirectUri,
        request: { scope: 'mcp api flows:edit' },
        answers: { api: true, 'flows:edit': true, atlas: true },
      });
      expect([status, body.scope]).toEqual([200, 'api flows:edit']);
    });
  });

  describe('RG-05: 8. registration bodies are cleaned, not refused', () => {
    const valid = { redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' };

    test.each([
      [
        'null',
        { client_name: null, logo_uri: null, scope: null, contacts: null, jwks: null, grant_types: null },
      ],
      [
        'empty strings',
        { client_name: '', client_uri: '', logo_uri: '', tos_uri: '', policy_uri: '', scope: '' },
      ],
      [
        'unknown grant types',
        { grant_types: ['authorization_code', 'implicit', 'client_credentials', 'urn:x'] },
      ],
      ['other response types', { response_types: ['code', 'token', 'none'] }],
      ['extra fields', { software_id: 'x', software_version: '1', vendor: { deep: true }, dpop: [] }],
      ['a wrong application_type', { application_type: 'web' }],
      ['no grant types', { grant_types: undefined, response_types: undefined }],
      ['a client_id and a secret of its own', { client_id: 'mandate-cli', client_secret: 'chosen' }],
    ])('%s', async (_, more) => {
      const { status, body } = await register(mandate.issuer, { ...valid, ...more });
      expect(body).toMatchObject({
        client_id: expect.stringMatching(/^dcr_/),
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        application_type: 'native',
      });
      expect(status).toBe(201);
      expect(body.client_secret).toBeUndefined();
    });

    test('the device grant may be asked for', async () => {
      const device = 'urn:ietf:params:oauth:grant-type:device_code';
      const { grant_types: grants } = await registerClient(mandate.issuer, redirectUri, {
        grant_types: ['authorization_code', device],
      });
      expect(grants).toContain(device);
    });

    test('without an authentication method the client is confidential and gets a secret that works', async () => {
      const { status, body } = await register(mandate.issuer, { redirect_uris: ['https://web.example/cb'] });
      expect([status, body.token_endpoint_auth_method]).toEqual([201, 'client_secret_basic']);
      const basic = Buffer.from(`${String(body.client_id)}:${String(body.client_secret)}`).toString('base64');
      const answer = await fetch(`${mandate.issuer}/token`, {
        method: 'POST',
        headers: { Authorization: `Basic ${basic}` },
        body: new URLSearchParams({ grant_type: 'authorization_code', code: 'none', redirect_uri: 'x' }),
      });
      expect(await answer.json()).toMatchObject({ error: 'invalid_grant' });
    });

    test.each([
      ['invalid_redirect_uri', { redirect_uris: ['http://evil.example/cb'] }],
      ['invalid_redirect_uri', { redirect_uris: ['javascript:alert(1)'] }],
      ['invalid_redirect_uri', { redirect_uris: ['https://*.example/cb'] }],
      ['invalid_redirect_uri', { redirect_uris: [] }],
      ['invalid_client_metadata', { ...valid, client_name: 'x'.repeat(50_000) }],
      [
        'invalid_redirect_uri',
        { redirect_uris: Array.from({ length: 21 }, (_, n) => `https://a.example/${n}`) },
      ],
    ])('RG-01: %s for what is dangerous, case %#', async (error, metadata) => {
      const { status, body } = await register(mandate.issuer, metadata);
      expect([status, body.error]).toEqual([400, error]);
    });
  });

  describe('9. registering again', () => {
    test('ten registrations of one public client are one row, whatever port it listens on', async () => {
      const ids = new Set<unknown>();
      for (let run = 0; run < 10; run += 1) {
        const registered = await registerClient(mandate.issuer, `http://127.0.0.1:${9_000 + run}/callback`, {
          client_name: 'Registers on every connect',
        });
        ids.add(registered.client_id);
      }
      expect(ids.size).toBe(1);
      const rows = await rowsOf([...ids][0]);
      expect(rows.map(({ version }) => version)).toEqual([1]);
    });

    test('ten at once are one row too', async () => {
      const registered = await Promise.all(
        Array.from({ length: 10 }, () =>
          registerClient(mandate.issuer, redirectUri, { client_name: 'At once' }),
        ),
      );
      const ids = new Set(registered.map(({ client_id: id }) => id));
      expect(ids.size).toBe(1);
      expect(await rowsOf([...ids][0])).toHaveLength(1);
    });

    test('another name, another redirect or a secret make another client', async () => {
      const clients = [
        await registerClient(mandate.issuer, redirectUri, { client_name: 'One' }),
        await registerClient(mandate.issuer, redirectUri, { client_name: 'Other' }),
        await registerClient(mandate.issuer, 'http://127.0.0.1:7001/other', { client_name: 'One' }),
        await registerClient(mandate.issuer, redirectUri, {
          client_name: 'One',
          token_endpoint_auth_method: 'client_secret_post',
        }),
        await registerClient(mandate.issuer, redirectUri, {
          client_name: 'One',
          token_endpoint_auth_method: 'client_secret_post',
        }),
      ];
      expect(new Set(clients.map(({ client_id: id }) => id)).size).toBe(clients.length);
    });
  });

  describe('3., 7. and 12. the metadata lists offline_access, none, private_key_jwt, and endpoints at the root', () => {
    const read = async (document: string) => {
      const response = await fetch(`${mandate.issuer}/.well-known/${document}`);
      expect(response.status).toBe(200);
      return (await response.json()) as Record<string, unknown>;
    };

    test('is the same at both addresses', async () => {
      expect(await read('openid-configuration')).toEqual(await read('oauth-authorization-server'));
    });

    test('MD-01: says exactly what clients may rely on', async () => {
      const { issuer } = mandate;
      const metadata = await read('oauth-authorization-server');
      expect(metadata).toMatchObject({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        registration_endpoint: `${issuer}/register`,
        revocation_endpoint: `${issuer}/revoke`,
        introspection_endpoint: `${issuer}/introspect`,
        pushed_authorization_request_endpoint: `${issuer}/par`,
        device_authorization_endpoint: `${issuer}/device/auth`,
        jwks_uri: `${issuer}/jwks`,
        scopes_supported: ['openid', 'offline_access', 'mcp'],
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
      });
      expect(metadata.token_endpoint_auth_methods_supported).toEqual(
        expect.arrayContaining(['none', 'private_key_jwt', 'client_secret_basic', 'client_secret_post']),
      );
      expect((metadata.grant_types_supported as string[]).toSorted()).toEqual([
        'authorization_code',
        'client_credentials',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
        'urn:ietf:params:oauth:grant-type:token-exchange',
      ]);
      expect(metadata.client_id_metadata_document_supported).toBe(true);
      // Unsaid, it would be client_secret_basic alone: no tool that is public could know that it may disconnect.
      expect(metadata.revocation_endpoint_auth_methods_supported).toEqual(
        metadata.token_endpoint_auth_methods_supported,
      );
      expect(metadata.revocation_endpoint_auth_signing_alg_values_supported).toEqual(
        metadata.token_endpoint_auth_signing_alg_values_supported,
      );
    });

    test('names no endpoint by the Host header', async () => {
      const browser = createBrowserlessClient(mandate.issuer);
      const page = await browser.get('/.well-known/oauth-authorization-server', {
        headers: { 'x-forwarded-host': 'evil.example' },
      });
      expect(page.body).not.toContain('evil.example');
    });
  });

  describe('7. a client that lists what it can do with', () => {
    test('is told which was chosen, and goes through with it', async () => {
      const redirectUri = 'http://127.0.0.1:53124/callback';
      const { status, body } = await register(mandate.issuer, {
        redirect_uris: [redirectUri],
        token_endpoint_auth_methods_supported: ['tls_client_auth', 'none', 'client_secret_basic'],
        id_token_signing_alg_values_supported: ['PS512', 'RS256'],
        subject_types_supported: ['pairwise', 'public'],
      });
      expect(status).toBe(201);
      expect(body).toMatchObject({
        token_endpoint_auth_method: 'none',
        id_token_signed_response_alg: 'RS256',
        subject_type: 'public',
      });
      const answer = await codeFlow(mandate.issuer, {
        clientId: String(body.client_id),
        redirectUri,
        request: { scope: 'openid' },
      });
      const [header] = String(answer.body.id_token).split('.');
      expect(JSON.parse(Buffer.from(header ?? '', 'base64url').toString())).toMatchObject({ alg: 'RS256' });
    });
  });

  describe('11. clients in browsers', () => {
    /** A page of the client, at the origin of its redirect. */
    const pageOrigin = 'http://localhost:6274';
    let clientId: string;
    beforeAll(async () => {
      const metadata = { client_name: 'In a browser' };
      await registerClient(mandate.issuer, 'http://localhost:6299/callback', metadata);
      clientId = String((await registerClient(mandate.issuer, `${pageOrigin}/callback`, metadata)).client_id);
    });

    const preflight = (path: string, method: string) =>
      fetch(mandate.issuer + path, {
        method: 'OPTIONS',
        headers: {
          Origin: pageOrigin,
          'Access-Control-Request-Method': method,
          'Access-Control-Request-Headers': 'content-type,mcp-protocol-version',
        },
      });

    test.each([
      ['/.well-known/oauth-authorization-server', 'GET'],
      ['/.well-known/openid-configuration', 'GET'],
      ['/register', 'POST'],
      ['/token', 'POST'],
      ['/revoke', 'POST'],
      ['/device/auth', 'POST'],
    ])('%s lets a preflight with MCP-Protocol-Version pass', async (path, method) => {
      const { status, headers } = await preflight(path, method);
      expect([200, 204]).toContain(status);
      expect([pageOrigin, '*']).toContain(headers.get('access-control-allow-origin'));
      expect(headers.get('access-control-allow-methods')).toContain(method);
      expect(headers.get('access-control-allow-headers')?.toLowerCase()).toContain('mcp-protocol-version');
      expect(headers.get('access-control-allow-headers')?.toLowerCase()).toContain('content-type');
    });

    const allowedOrigin = async (path: string, init: RequestInit, origin = pageOrigin) => {
      const response = await fetch(mandate.issuer + path, {
        ...init,
        headers: {
          ...(init.headers as Record<string, string>),
          Origin: origin,
          'MCP-Protocol-Version': '2025-06-18',
        },
      });
      return response.headers.get('access-control-allow-origin');
    };
    const form = (fields: Record<string, string>) => ({
      method: 'POST',
      body: new URLSearchParams({ client_id: clientId, ...fields }),
    });

    test('metadata and registration may be read by any page', async () => {
      expect(await allowedOrigin('/.well-known/oauth-authorization-server', {})).toMatch(
        /^(\*|http:\/\/localhost:6274)$/,
      );
      const registration = {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({
          redirect_uris: [`${pageOrigin}/callback`],
          token_endpoint_auth_method: 'none',
        }),
      };
      expect(await allowedOrigin('/register', registration)).toBe('*');
      expect(await allowedOrigin('/register', { ...registration, body: '{}' })).toBe('*');
    });

    test.each([
      [
        '/token',
        { grant_type: 'authorization_code', code: 'wrong', code_verifier: 'x'.repeat(43), redirect_uri: 'x' },
      ],
      ['/revoke', { token: 'unknown' }],
    ])("%s may be read by the client's own pages, errors too", async (path, fields) => {
      expect(await allowedOrigin(path, form(fields))).toBe(pageOrigin);
    });

    test("the client's pages on another port of the loopback are its own too", async () => {
      expect(await allowedOrigin('/revoke', form({ token: 'x' }), 'http://localhost:6299')).toBe(
        'http://localhost:6299',
      );
    });

    test('MD-04: /token may not be read by a page elsewhere', async () => {
      const fields = { grant_type: 'refresh_token', refresh_token: 'x' };
      expect(await allowedOrigin('/token', form(fields), 'https://evil.example')).toBeNull();
      const asWeb = { method: 'POST', body: new URLSearchParams({ client_id: demo.web.id, ...fields }) };
      expect(await allowedOrigin('/token', asWeb, 'http://localhost:4100')).toBeNull();
    });
  });
});
