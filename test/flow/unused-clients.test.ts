/** Dynamic registration does not pile up (ENGINE, what real clients need, 9). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { authorize, pkce } from '../support/oauth.ts';
import { openConsent } from '../support/oauth-requests.ts';

const day = 86_400;

describe.each(engines)('clients that registered themselves, on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const register = async (name: string): Promise<string> => {
    const response = await fetch(`${mandate.issuer}/register`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        client_name: name,
        redirect_uris: ['http://127.0.0.1:7000/cb'],
        token_endpoint_auth_method: 'none',
      }),
    });
    expect(response.status).toBe(201);
    return ((await response.json()) as { client_id: string }).client_id;
  };
  const isKnown = async (id: string) => (await mandate.stores.clients.find(id)) !== undefined;

  test('RG-02, 9. are gone a day after they were last registered, unless somebody authorized them', async () => {
    const [unused, again, used] = [await register('unused'), await register('again'), await register('used')];
    await authorize(
      mandate.issuer,
      {
        client_id: used,
        response_type: 'code',
        redirect_uri: 'http://127.0.0.1:7000/cb',
        code_challenge: pkce().challenge,
        code_challenge_method: 'S256',
        scope: 'api',
      },
      { email: 'editor@acme.test', answers: { api: true } },
    );
    await mandate.app.garbage.collect();
    expect(await Promise.all([unused, again, used].map(isKnown))).toEqual([true, true, true]);

    mandate.clock.advance(day - 60);
    expect(await register('again')).toBe(again);
    mandate.clock.advance(120);
    await mandate.app.garbage.collect();
    expect(await Promise.all([unused, again, used].map(isKnown))).toEqual([false, true, true]);
    expect(await isKnown('mandate-cli')).toBe(true);
  });

  test('RG-02: say who they are themselves, as the consent page tells, and are called by where they are', async () => {
    const browser = createBrowserlessClient(mandate.issuer);
    const page = await openConsent(browser, {
      client_id: await register('Acme Official'),
      response_type: 'code',
      redirect_uri: 'http://127.0.0.1:7000/cb',
      code_challenge: pkce().challenge,
      code_challenge_method: 'S256',
      scope: 'api',
    });
    expect(page.text).toContain('calls itself Acme Official; not verified');
    expect(page.title).not.toContain('Acme Official');
  });

  test('are one row however often the same one registers', async () => {
    const ids = new Set<string>();
    for (let round = 0; round < 5; round += 1) {
      for (const name of ['one', 'two']) ids.add(await register(name));
    }
    expect(ids.size).toBe(2);
  });
});
