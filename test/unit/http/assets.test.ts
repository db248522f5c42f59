import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import Koa from 'koa';
import { assets } from '../../support/sample-pages.ts';

const app = new Koa();
app.use(assets.middleware);
app.use((ctx) => {
  ctx.body = 'next';
});
const server = app.listen(0, '127.0.0.1');
let origin = '';

beforeAll(async () => {
  if (!server.listening) await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

test('serves a known file for ever, with its type and nosniff', async () => {
  const response = await fetch(origin + assets.href('style.css'), {
    headers: { 'accept-encoding': 'gzip, br' },
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/css; charset=utf-8');
  expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(response.headers.get('content-encoding')).toBe('br');
  expect(await response.text()).toContain('color-scheme: light dark');
  const plain = await fetch(origin + assets.href('consent.js'), {
    headers: { 'accept-encoding': 'identity' },
  });
  expect(plain.headers.get('content-encoding')).toBeNull();
  expect(plain.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
});

test.each([
  '/assets/',
  '/assets/style.css',
  '/assets/..%2f..%2fpackage.json',
  '/assets/style.0000000000000000.css',
])('answers 404 for %s', async (path) => {
  expect((await fetch(origin + path)).status).toBe(404);
});

test('passes everything else on', async () => {
  expect(await (await fetch(`${origin}/else`)).text()).toBe('next');
  expect(() => assets.href('../package.json')).toThrow('no asset named');
});
