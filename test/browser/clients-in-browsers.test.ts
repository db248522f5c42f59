/** A client that is a page: what a real browser lets it read. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { closeBrowser } from '../support/browser.ts';
import { type CallbackListener, startCallbackListener } from '../support/callback-listener.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { registerClient } from '../support/oauth-requests.ts';
import { openPage } from '../support/person.ts';

let mandate: TestMandate;
let app: CallbackListener;
let elsewhere: CallbackListener;
beforeAll(async () => {
  [mandate, app, elsewhere] = await Promise.all([
    startMandate(),
    startCallbackListener(),
    startCallbackListener(),
  ]);
});
afterAll(async () => {
  await closeBrowser();
  await Promise.all([app.stop(), elsewhere.stop(), mandate.stop()]);
});

/** Asks as the page's own script does. @returns status and error code, or that the browser kept the answer from it */
async function askFrom(listener: CallbackListener, clientId: string) {
  const { origin } = new URL(listener.redirectUri);
  const { page, close } = await openPage([origin, mandate.issuer]);
  await page.goto(origin);
  const asked = { issuer: mandate.issuer, clientId, redirectUri: listener.redirectUri };
  const answers = await page.evaluate(async ({ issuer, clientId: id, redirectUri }) => {
    const version = { 'MCP-Protocol-Version': '2025-11-25' };
    const form = (fields: Record<string, string>, headers: Record<string, string> = {}) => ({
      method: 'POST',
      headers: { ...version, ...headers },
      body: new URLSearchParams({ client_id: id, ...fields }),
    });
    const requests: Record<string, RequestInit> = {
      '/.well-known/oauth-authorization-server': { headers: version },
      '/jwks': {},
      '/register': {
        method: 'POST',
        headers: { ...version, 'Content-Type': 'application/json' },
        body: JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' }),
      },
      '/token': form({ grant_type: 'refresh_token', refresh_token: 'x' }, { DPoP: 'no proof' }),
      '/par': form({ response_type: 'none' }, { DPoP: 'no proof' }),
      '/revoke': form({ token: 'x' }),
      '/device/auth': form({ scope: 'api' }),
    };
    const read = async ([path, init]: [string, RequestInit]) => {
      try {
        const response = await fetch(issuer + path, init);
        const { error } = (await response.json()) as { error?: string };
        return [path, error ?? response.status];
      } catch {
        return [path, 'kept from the page'];
      }
    };
    return Promise.all(Object.entries(requests).map(read));
  }, asked);
  await close();
  return Object.fromEntries(answers) as Record<string, number | string>;
}

test("a page at the client's origin reads every endpoint, refusals too", async () => {
  const { client_id: id } = await registerClient(mandate.issuer, app.redirectUri, {
    grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
  });
  expect(await askFrom(app, String(id))).toEqual({
    '/.well-known/oauth-authorization-server': 200,
    '/jwks': 200,
    '/register': 201,
    '/token': 'invalid_dpop_proof',
    '/par': 'unsupported_response_type',
    '/revoke': 200,
    '/device/auth': 200,
  });
});

test('a page elsewhere reads what is public, and nothing of the client', async () => {
  const { client_id: id } = await registerClient(mandate.issuer, 'https://app.example/callback');
  const kept = 'kept from the page';
  expect(await askFrom(elsewhere, String(id))).toEqual({
    '/.well-known/oauth-authorization-server': 200,
    '/jwks': 200,
    '/register': 201,
    '/token': kept,
    '/par': kept,
    '/revoke': kept,
    '/device/auth': kept,
  });
});
