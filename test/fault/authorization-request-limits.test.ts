/** Requests of tools leave rows: whoever has a cookie, or pushes them, does not leave as many as they like. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { developmentSecret } from '../../src/config.ts';
import { addressBlock } from '../../src/http/client-address.ts';
import { createRateLimits } from '../../src/http/rate-limit.ts';
import { createSecrets } from '../../src/secrets.ts';
import { signIn } from '../support/account.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { pkce, postForm } from '../support/oauth.ts';

let mandate: TestMandate;
beforeAll(async () => {
  mandate = await startMandate();
});
afterAll(() => mandate.stop());

test('a browser that was here before, and a pushed request, are counted for their address', async () => {
  const browser = await signIn(mandate.issuer, 'editor@acme.test');
  const request = {
    client_id: demo.web.id,
    response_type: 'code',
    redirect_uri: demo.web.redirect,
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
    scope: 'api',
  };
  const ask = () => browser.get(`/authorize?${new URLSearchParams(request)}`);
  const push = () => postForm(`${mandate.issuer}/par`, request, demo.web);
  expect([(await ask()).status, (await push()).status]).toEqual([303, 201]);
  const limits = createRateLimits({ ...mandate, secrets: createSecrets(developmentSecret) });
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
    const limit = { name: 'authorization-requests', points: 6_000, windowSeconds: 300 };
    await limits.take(limit, addressBlock(address), limit.points);
  }
  const statuses = [];
  for (let time = 0; time < 55; time += 1) statuses.push((await push()).status);
  // Counted fifty at a time.
  expect(statuses.slice(0, 40)).not.toContain(429);
  expect(statuses.at(-1)).toBe(429);
  const page = await ask();
  expect(page.status).toBe(429);
  expect(page.headers.get('retry-after')).toMatch(/^\d+$/);
  mandate.clock.advance(301);
  expect([(await ask()).status, (await push()).status]).toEqual([303, 201]);
});
