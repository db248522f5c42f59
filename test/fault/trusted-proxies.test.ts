/** MD-06: whose address a request has, as the audit trail and the limits see it, with the networks of proxies named. */
import { afterEach, expect, test } from '@jest/globals';
import { developmentSecret, type TrustedProxySetting } from '../../src/config.ts';
import { addressBlock } from '../../src/http/client-address.ts';
import { createRateLimits } from '../../src/http/rate-limit.ts';
import { createSecrets } from '../../src/secrets.ts';
import { signIn } from '../support/account.ts';
import { callApi } from '../support/administrator.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';

const loopback: TrustedProxySetting = {
  kind: 'networks',
  networks: [
    { address: '127.0.0.0', prefix: 8, family: 'ipv4' },
    { address: '::1', prefix: 128, family: 'ipv6' },
    { address: '10.0.0.0', prefix: 8, family: 'ipv4' },
  ],
};
const elsewhere: TrustedProxySetting = {
  kind: 'networks',
  networks: [{ address: '10.0.0.0', prefix: 8, family: 'ipv4' }],
};
const forwarded = '192.0.2.66, 203.0.113.7, 10.0.0.8';
let mandate: TestMandate;
afterEach(() => mandate.stop());

/** @returns the address that the audit trail has of a change that was made with the header */
async function recordedOrigin(): Promise<string | null | undefined> {
  const owner = await signIn(mandate.issuer, 'owner@acme.test');
  const cookie = owner.cookieHeader('/api/v1');
  const { body } = await callApi(mandate.issuer, 'GET', '/session', undefined, { cookie });
  const made = await callApi(
    mandate.issuer,
    'POST',
    '/projects',
    { name: 'Delta', slug: 'delta' },
    { cookie, 'x-csrf-token': String(body.csrf_token), origin: mandate.issuer, 'x-forwarded-for': forwarded },
  );
  expect([made.status, made.text]).toEqual([201, made.text]);
  const row = await mandate.store.db
    .selectFrom('changes')
    .selectAll()
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
  return (row as { origin?: string | null }).origin;
}

/** Registers a client with the header. @returns the status */
async function register(header: string): Promise<number> {
  const response = await fetch(`${mandate.issuer}/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': header },
    body: JSON.stringify({ redirect_uris: ['https://tool.example/callback'] }),
  });
  await response.body?.cancel();
  return response.status;
}

/** Uses up what an address may register in an hour. */
async function exhaust(...addresses: string[]): Promise<void> {
  const limits = createRateLimits({ ...mandate, secrets: createSecrets(developmentSecret) });
  const limit = { name: 'registration', points: 300, windowSeconds: 3_600 };
  for (const address of addresses) await limits.take(limit, addressBlock(address), limit.points);
}

test('behind a proxy that is named, the client is the last address that is no proxy’s', async () => {
  mandate = await startMandate({ trustedProxies: loopback });
  expect(await recordedOrigin()).toBe('203.0.113.7');
  await exhaust('198.51.100.9');
  // Whatever it writes left of its own address.
  expect(await register('198.51.100.9, 10.0.0.8')).toBe(429);
  expect(await register('192.0.2.1, 198.51.100.9, 10.0.0.8')).toBe(429);
  expect(await register('10.0.0.9, 198.51.100.9, 10.0.0.8')).toBe(429);
  expect(await register('198.51.100.9, 192.0.2.1')).toBe(201);
});

test('the header of anybody else is ignored, as to the trail and as to limits', async () => {
  mandate = await startMandate({ trustedProxies: elsewhere });
  expect(['127.0.0.1', '::1']).toContain(await recordedOrigin());
  expect(await register('192.0.2.1')).toBe(201);
  await exhaust('127.0.0.1', '::1');
  expect(await register('192.0.2.2')).toBe(429);
  expect(await register('192.0.2.2, 10.0.0.8')).toBe(429);
});

test('of IPv6 a household is one address, its /64, however each of its addresses is written', async () => {
  mandate = await startMandate({ trustedProxies: loopback });
  await exhaust('2001:db8:7:8::1');
  for (const address of [
    '2001:db8:7:8:ffff:ffff:ffff:ffff',
    '2001:0DB8:0007:0008::42',
    '[2001:db8:7:8:1::]:4711',
    '2001:db8:7:8:0:0:192.0.2.1',
  ]) {
    expect([address, await register(address)]).toEqual([address, 429]);
  }
  expect(await register('2001:db8:7:9::1')).toBe(201);
  expect(await register('2001:db8:7::8')).toBe(201);
  // Written as an IPv6 address, an IPv4 one is the one that it is, and no household of everybody's.
  await exhaust('203.0.113.9');
  for (const address of [
    '203.0.113.9',
    '::ffff:203.0.113.9',
    '::ffff:cb00:7109',
    '0:0:0:0:0:ffff:cb00:7109',
  ]) {
    expect([address, await register(address)]).toEqual([address, 429]);
  }
  expect(await register('::ffff:cb00:710a')).toBe(201);
});
