/** Resources whose addresses are almost the same: spellings are forgiven, and nobody gets a token of somebody else. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect, pkce } from '../support/oauth.ts';
import { codeFlow } from '../support/oauth-requests.ts';

const actor = { id: 'command' };
const [first, second] = [
  'http://tenants.example:4200/api?tenant=1',
  'http://tenants.example:4200/api?tenant=2',
];
const server = { name: 'tenants', secret: 'a-secret-of-a-server-of-two-tenants' };

const request = {
  client_id: 'mandate-cli',
  redirect_uri: 'http://127.0.0.1:53124/callback',
  response_type: 'code',
  code_challenge: pkce().challenge,
  code_challenge_method: 'S256',
};

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
    await mandate.stores.resourceServers.save(actor, { ...server, audiences: [first, second] });
  });
  afterAll(() => mandate.stop());

  const askFor = async (resource: string) => {
    const { body } = await codeFlow(mandate.issuer, {
      request: { resource, scope: 'api' },
      answers: { api: true },
    });
    return introspect(mandate.issuer, body.access_token ?? '', { id: server.name, secret: server.secret });
  };

  test.each([first, second])(
    'a token that is asked for as %s is for it (RFC 8707 section 2)',
    async (resource) => {
      expect(await askFor(resource)).toMatchObject({ active: true, aud: resource });
    },
  );

  test('where a spelling may mean either, none is meant', async () => {
    const browser = createBrowserlessClient(mandate.issuer);
    const page = await browser.get(
      `/authorize?${new URLSearchParams({ ...request, resource: 'http://tenants.example:4200/api' })}`,
    );
    expect(new URL(page.location ?? 'about:blank').searchParams.get('error')).toBe('invalid_target');
  });

  test('an unknown one is named in the characters that an error may have (RFC 6749 section 4.1.2.1)', async () => {
    const resource = `https://ex\u00e4mple.com/"\\\u0000\u202e${'x'.repeat(500)}`;
    const { location } = await createBrowserlessClient(mandate.issuer).get(
      `/authorize?${new URLSearchParams({ ...request, resource })}`,
    );
    const back = new URL(location ?? 'about:blank').searchParams;
    expect(back.get('error')).toBe('invalid_target');
    expect(back.get('error_description')).toMatch(
      /^unknown resource https:[\x20-\x21\x23-\x5b\x5d-\x7e]{1,200}$/,
    );
  });

  test.each(['http://tenants.example:4200/api?tenant=3', 'http://TENANTS.example:4200/api/'])(
    'another server does not get %s, which tools take for the same',
    async (audience) => {
      const other = { name: 'somebody-else', secret: 'a-secret-of-somebody-else', audiences: [audience] };
      const saved = await mandate.stores.resourceServers.save(actor, other);
      expect(saved).toEqual({ outcome: 'audience_taken', audience: expect.stringContaining('tenant=') });
    },
  );
});
