/** Hosted assistants share addresses: 13 of "What real clients need". Everything here comes from one address. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { codeFlow, registerClient } from '../support/oauth-requests.ts';

const redirectUri = 'http://127.0.0.1:7001/callback';
/** They give up after it. */
const patienceMilliseconds = 10_000;

let mandate: TestMandate;
beforeAll(async () => {
  mandate = await startMandate();
});
afterAll(() => mandate.stop());

describe('13. at one address', () => {
  test('an assistant registers on 400 connects, none waits for long, and people go through', async () => {
    let slowest = 0;
    for (let batch = 0; batch < 40; batch += 1) {
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          const asked = performance.now();
          await registerClient(mandate.issuer, redirectUri, { client_name: 'Hosted assistant' });
          slowest = Math.max(slowest, performance.now() - asked);
        }),
      );
    }
    expect({ slowest, within: slowest < patienceMilliseconds }).toMatchObject({ within: true });
    const { client_id: clientId } = await registerClient(mandate.issuer, redirectUri, {
      client_name: 'Hosted assistant',
    });
    expect((await codeFlow(mandate.issuer, { clientId: String(clientId), redirectUri })).status).toBe(200);
  });

  test('a client that keeps to a dead token is stopped, and told for how long; the others refresh', async () => {
    const install = await registerClient(mandate.issuer, redirectUri, { client_name: 'Keeps to it' });
    const refresh = (clientId: unknown, token: string) =>
      fetch(`${mandate.issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          client_id: String(clientId),
          refresh_token: token,
        }),
      });
    for (let batch = 0; batch < 31; batch += 1) {
      await Promise.all(Array.from({ length: 10 }, () => refresh(install.client_id, 'dead')));
    }
    const stopped = await refresh(install.client_id, 'dead');
    expect(stopped.status).toBe(429);
    expect(Number(stopped.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await stopped.json()).toMatchObject({ error: 'temporarily_unavailable' });
    const { body } = await codeFlow(mandate.issuer);
    expect((await refresh(demo.cli.id, String(body.refresh_token))).status).toBe(200);
  });

  test('an account whose password is being guessed keeps nobody else out', async () => {
    const signIn = async (email: string, password: string) => {
      const browser = createBrowserlessClient(mandate.issuer);
      const page = await browser.get('/sign-in');
      return browser.submit(page, 'Sign in', { Email: email, Password: password }, { follow: true });
    };
    for (let guess = 0; guess < 12; guess += 1) await signIn('viewer@acme.test', `guess ${guess}`);
    const limited = await signIn('viewer@acme.test', demo.password);
    expect(limited.status).toBe(429);
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await signIn('editor@acme.test', demo.password)).status).toBe(200);
  });
});
