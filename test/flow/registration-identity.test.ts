/** What a registration is known by, and what of it the client is held to. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair } from 'jose';
import { engines } from '../support/databases.ts';
import { requestOf } from '../support/documented-tool.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { postForm } from '../support/oauth.ts';
import { codeFlow, openConsent, register, registerClient } from '../support/oauth-requests.ts';

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const redirectUri = 'http://127.0.0.1:7001/callback';

  describe('what a stranger registered first', () => {
    const opens = async (clientId: unknown, redirect: string) => {
      const browser = createBrowserlessClient(mandate.issuer);
      const page = await browser.get(
        `/authorize?${new URLSearchParams(requestOf(String(clientId), redirect))}`,
        { follow: true },
      );
      return page.title.startsWith('Sign in');
    };

    test.each([
      ['CURSOR://anysphere.tool/callback', 'cursor://anysphere.tool/callback'],
      ['https://TOOL.example/callback', 'https://tool.example/callback'],
      ['https://tool.example:443/callback', 'https://tool.example/callback'],
      ['https://tool.example/x/../callback', 'https://tool.example/callback'],
      ['https://tool.example', 'https://tool.example/'],
      ['http://LOCALHOST:7001/callback', 'http://localhost:7001/callback'],
      ['http://127.1:7001/callback', 'http://127.0.0.1:7001/callback'],
      ['http://[0:0::1]:7001/callback', 'http://[::1]:7001/callback'],
    ])('as %s does not keep the tool at %s out', async (written, redirect) => {
      const metadata = { client_name: `A tool at ${redirect}` };
      const stranger = await registerClient(mandate.issuer, written, metadata);
      const tool = await registerClient(mandate.issuer, redirect, metadata);
      expect(tool.client_id).not.toBe(stranger.client_id);
      expect(await opens(tool.client_id, redirect)).toBe(true);
    });

    test('is the same client for every port of the loopback, which each of them may use', async () => {
      const [one, other] = ['http://[::1]:7001/callback?x=1', 'http://[::1]/callback?x=1'];
      const metadata = { client_name: 'A tool on any port' };
      const { client_id: id } = await registerClient(mandate.issuer, one, metadata);
      expect((await registerClient(mandate.issuer, other, metadata)).client_id).toBe(id);
      expect([await opens(id, one), await opens(id, other)]).toEqual([true, true]);
    });
  });

  describe('what a client demands of the server is not left out', () => {
    const demands = { dpop_bound_access_tokens: true, require_pushed_authorization_requests: true };

    test('it gets no token without a proof of its key (RFC 9449 section 5.2), nor starts without a pushed request (RFC 9126 section 6)', async () => {
      const registered = await registerClient(mandate.issuer, redirectUri, demands);
      expect(registered).toMatchObject(demands);
      const clientId = String(registered.client_id);
      const request = requestOf(clientId, redirectUri);
      const plain = await fetch(`${mandate.issuer}/authorize?${new URLSearchParams(request)}`, {
        redirect: 'manual',
      });
      const refused = new URL(plain.headers.get('location') ?? 'about:blank');
      expect(refused.searchParams.get('error')).toBe('invalid_request');
      const { request_uri: pushed } = JSON.parse((await postForm(`${mandate.issuer}/par`, request)).text) as {
        request_uri: string;
      };
      const browser = createBrowserlessClient(mandate.issuer);
      const page = await openConsent(browser, { client_id: clientId, request_uri: pushed });
      expect(page.title).not.toContain('Sign in');

      const bound = await registerClient(mandate.issuer, redirectUri, { dpop_bound_access_tokens: true });
      const { status, body } = await codeFlow(mandate.issuer, {
        clientId: String(bound.client_id),
        redirectUri,
      });
      expect([status, body.error]).toEqual([400, 'invalid_grant']);
    });

    test('its assertions are signed as it said, and in no other way', async () => {
      const { publicKey } = await generateKeyPair('RS256', { extractable: true });
      const { status, body } = await register(mandate.issuer, {
        redirect_uris: ['https://signs.example/callback'],
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'PS256',
        jwks: { keys: [await exportJWK(publicKey)] },
      });
      expect([status, body.token_endpoint_auth_signing_alg]).toEqual([201, 'PS256']);
    });

    test('what is no demand is none', async () => {
      const registered = await registerClient(mandate.issuer, redirectUri, {
        client_name: 'Says no',
        dpop_bound_access_tokens: 'yes',
        require_pushed_authorization_requests: null,
      });
      expect(registered).toMatchObject({
        dpop_bound_access_tokens: false,
        require_pushed_authorization_requests: false,
      });
    });
  });
});
