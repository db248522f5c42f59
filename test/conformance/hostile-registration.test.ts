/** Hostile registrations (catalogue RG): what is dangerous is refused by the error that names it, what is too much to ask is not given. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { register } from '../support/oauth-requests.ts';

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const clients = async () => (await mandate.stores.clients.list({ kind: 'dynamic', limit: 1_000 })).length;

  test.each([
    'http://evil.example/cb',
    'http://10.0.0.1/cb',
    'http://localhost.evil/cb',
    'http://127.0.0.1.evil.example/cb',
    'https://good@evil.example/cb',
    'https://good:password@evil.example/cb',
    'https://*.example/cb',
    'https://tool.example/*',
    'https://tool.example/cb#x',
    'https://tool.example\\@evil.example/cb',
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    'data:text/html,x',
    'view-source:https://tool.example',
    'ms-msdt:/id',
    'jar:https://tool.example!/cb',
    'file:///etc/passwd',
    '/cb',
  ])('RG-01: %j is invalid_redirect_uri, alone and behind one that is good', async (uri) => {
    const before = await clients();
    for (const redirect_uris of [[uri], ['https://tool.example/cb', uri]]) {
      for (const token_endpoint_auth_method of ['none', 'client_secret_basic']) {
        const { status, body } = await register(mandate.issuer, {
          redirect_uris,
          token_endpoint_auth_method,
        });
        expect([status, body.error]).toEqual([400, 'invalid_redirect_uri']);
      }
    }
    expect(await clients()).toBe(before);
  });

  test.each(['client_secret_jwt', 'tls_client_auth', 'self_signed_tls_client_auth', 'nonsense'])(
    'RG-05: the authentication method %s is answered by the one that is had',
    async (method) => {
      const { status, body } = await register(mandate.issuer, {
        redirect_uris: ['https://web.example/cb'],
        token_endpoint_auth_method: method,
      });
      expect([status, body.token_endpoint_auth_method]).toEqual([201, 'client_secret_basic']);
    },
  );

  test('RG-05: who says nothing of grants and responses is told what it has', async () => {
    const { status, body } = await register(mandate.issuer, { redirect_uris: ['https://web.example/cb'] });
    expect([status, body.grant_types, body.response_types]).toEqual([
      201,
      ['authorization_code', 'refresh_token'],
      ['code'],
    ]);
  });
});
