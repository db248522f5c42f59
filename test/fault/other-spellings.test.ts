/** Another spelling of an address is no way around what stands in front of it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { developmentSecret } from '../../src/config.ts';
import { addressBlock } from '../../src/http/client-address.ts';
import { createRateLimits } from '../../src/http/rate-limit.ts';
import { createSecrets } from '../../src/secrets.ts';
import type { Field } from '../support/html.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { postForm } from '../support/oauth.ts';

let mandate: TestMandate;
beforeAll(async () => {
  mandate = await startMandate();
});
afterAll(() => mandate.stop());

const spellings = (path: string) => [path, `${path}//`, path.toUpperCase(), `${path.toUpperCase()}/`];

/** Leaves an address of this machine nothing of a limit. */
async function useUp(name: string, points: number, windowSeconds: number, of = ''): Promise<void> {
  const limits = createRateLimits({ ...mandate, secrets: createSecrets(developmentSecret) });
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
    await limits.take({ name, points, windowSeconds }, addressBlock(address) + of, points);
  }
}

test('DV-02: user codes are not guessed at another spelling of the address either', async () => {
  const browser = createBrowserlessClient(mandate.issuer);
  const letters = 'BCDFGHJKLM';
  for (const [time, letter] of [...letters].entries()) {
    const address = spellings('/device')[time % 4] ?? '';
    const entry = await browser.get(address);
    expect(entry.status).toBe(200);
    const fields = { ...hiddenOf(entry.forms[0]?.fields ?? []), user_code: `WWWWWWWWW${letter}` };
    expect((await browser.postForm(address, fields)).status).toBe(200);
  }
  for (const address of spellings('/device')) {
    const fields = { user_code: 'WWWWWWWWWN' };
    expect((await browser.postForm(address, fields)).status).toBe(429);
  }
});

test('registrations, device codes and refused credentials are counted whatever the spelling', async () => {
  const register = (address: string) =>
    fetch(mandate.issuer + address, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        redirect_uris: ['https://tool.example/callback'],
        token_endpoint_auth_method: 'none',
      }),
    });
  const guess = (address: string) =>
    postForm(
      mandate.issuer + address,
      { grant_type: 'authorization_code', code: 'none', redirect_uri: demo.web.redirect },
      demo.web,
    );
  await useUp('registration', 300, 3_600);
  for (const address of spellings('/register')) expect((await register(address)).status).toBe(429);

  await useUp('device-codes', 600, 300);
  for (let time = 0; time < 10; time += 1) await postForm(`${mandate.issuer}/device/auth`, {});
  for (const address of spellings('/device/auth')) {
    expect((await postForm(mandate.issuer + address, { client_id: demo.cli.id })).status).toBe(429);
  }

  await useUp('refused-credentials', 300, 300, ` ${demo.web.id}`);
  expect((await guess('/token/')).status).toBe(400);
  for (const address of spellings('/token')) expect((await guess(address)).status).toBe(429);
});

function hiddenOf(fields: readonly Field[]): Record<string, string> {
  return Object.fromEntries(
    fields.filter(({ type }) => type === 'hidden').map(({ name, value }) => [name, value]),
  );
}
