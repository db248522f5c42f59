/** CM-01, CM-03: what comes from hosts that mean no good, within what time and how much of it. */
import { createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createMetadataDocumentSource } from '../../../src/clients/metadata-document-source.ts';
import { createPublicHttps } from '../../../src/clients/metadata-document-transport.ts';
import { createInternet, documentOf, type Handler, type Internet } from '../../support/internet.ts';
import { startStopwatch } from '../../support/thread-time.ts';

const url = 'https://tool.example/client.json';
const good = { client_id: url, client_name: 'Tool', redirect_uris: ['https://tool.example/callback'] };

let internet: Internet;
beforeAll(async () => {
  internet = await createInternet();
});
beforeEach(() => {
  internet.asked.length = 0;
  internet.connected.length = 0;
  internet.resolved.length = 0;
  internet.name('tool.example', ['93.184.216.34']);
});
afterAll(() => internet.stop());

const ask = (id = url) =>
  createMetadataDocumentSource({ https: createPublicHttps(internet.reached) }).ask(id);
const text =
  (body: string | Buffer, headers: Record<string, string> = {}): Handler =>
  (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end(body);
  };
const padded = (bytes: number) => {
  const rest = bytes - JSON.stringify({ ...good, padding: '' }).length;
  return JSON.stringify({ ...good, padding: 'x'.repeat(rest) });
};

describe('a document', () => {
  test.each([
    ['', 60],
    ['max-age=120', 120],
    ['public, max-age=86400', 300],
    ['max-age=1', 60],
    ['no-store, max-age=200', 60],
  ])('is fresh, when its host says "%s", for %d seconds', async (cacheControl, freshSeconds) => {
    internet.serve(url, documentOf(good, { 'Cache-Control': cacheControl }));
    expect(await ask()).toEqual({ kind: 'document', properties: good, freshSeconds });
    expect(internet.connected).toEqual(['93.184.216.34']);
  });

  test.each([['application/json; charset=utf-8'], ['application/oauth-client-metadata+json']])(
    'may be %s',
    async (type) => {
      internet.serve(url, text(JSON.stringify(good), { 'Content-Type': type }));
      expect((await ask()).kind).toBe('document');
    },
  );

  test('may have 5 KiB', async () => {
    internet.serve(url, text(padded(5_120)));
    expect((await ask()).kind).toBe('document');
  });

  test('may say the same name in two objects, and write colons into strings', async () => {
    const jwks = {
      keys: [
        { kty: 'EC', x: '": "' },
        { kty: 'EC', x: '\\":' },
      ],
    };
    internet.serve(url, documentOf({ ...good, jwks }));
    expect((await ask()).kind).toBe('document');
  });
});

describe('what is no document', () => {
  const redirect: Handler = (_request, response) => {
    response.writeHead(302, { Location: 'https://elsewhere.example/client.json' }).end();
  };
  const status =
    (code: number): Handler =>
    (_request, response) =>
      void response.writeHead(code, { 'Content-Type': 'application/json' }).end(JSON.stringify(good));
  const key = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' };

  test.each<[string, string, Handler]>([
    ['a redirect', 'refused', redirect],
    ['404', 'refused', status(404)],
    ['201', 'refused', status(201)],
    ['500', 'unreachable', status(500)],
    ['429', 'unreachable', status(429)],
    ['HTML', 'refused', text('<!doctype html>', { 'Content-Type': 'text/html' })],
    ['HTML that is called JSON', 'refused', text('<!doctype html>')],
    ['JSON that is called text', 'refused', text(JSON.stringify(good), { 'Content-Type': 'text/plain' })],
    ['5 KiB and one byte', 'refused', text(padded(5_121))],
    [
      '5 KiB and one byte in pieces',
      'refused',
      (_request, response) => {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        for (const character of padded(5_121)) response.write(character);
        response.end();
      },
    ],
    ['a gzip bomb', 'refused', text(gzipSync(' '.repeat(5e6)), { 'Content-Encoding': 'gzip' })],
    ['half of it', 'refused', text(JSON.stringify(good).slice(0, 40))],
    ['bytes that are no text', 'refused', text(Buffer.from([0x7b, 0xff, 0x7d]))],
    ['an array', 'refused', documentOf([good])],
    ['null', 'refused', text('null')],
    ['the deepest nesting', 'refused', text(`${'['.repeat(2_500)}${']'.repeat(2_500)}`)],
    ['a name written twice', 'refused', text(JSON.stringify(good).replace('{', '{"client_name":"Other",'))],
    [
      'a name written twice with an escape',
      'refused',
      text(JSON.stringify(good).replace('{', '{"client\\u005fname":"Other",')),
    ],
    [
      'a name written twice inside',
      'refused',
      text(JSON.stringify({ ...good, jwks: 0 }).replace('"jwks":0', '"jwks":{"keys":[],"keys":[]}')),
    ],
    ['no client_id', 'refused', documentOf({ ...good, client_id: undefined })],
    [
      'a client_id with the port',
      'refused',
      documentOf({ ...good, client_id: url.replace('/cl', ':443/cl') }),
    ],
    ['a client_id in other letters', 'refused', documentOf({ ...good, client_id: url.toUpperCase() })],
    ['a client_id with a slash more', 'refused', documentOf({ ...good, client_id: `${url}/` })],
    ['a client secret', 'refused', documentOf({ ...good, client_secret: 'secret' })],
    ['when its secret expires', 'refused', documentOf({ ...good, client_secret_expires_at: 0 })],
    ['a private key', 'refused', documentOf({ ...good, jwks: { keys: [{ ...key, d: 'd' }] } })],
    ['a symmetric key', 'refused', documentOf({ ...good, jwks: { keys: [{ kty: 'oct', k: 'k' }] } })],
    ['a torn answer', 'unreachable', (_request, response) => void response.socket?.destroy()],
  ])('%s is %s', async (_what, kind, handler) => {
    internet.serve(url, handler);
    expect((await ask()).kind).toBe(kind);
    expect(internet.asked).toEqual([url]);
  });

  test.each<[string, Handler]>([
    ['says nothing', () => {}],
    [
      'says a byte now and then',
      (_request, response) => {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        const drip = setInterval(() => response.write(' '), 200);
        response.on('close', () => clearInterval(drip));
      },
    ],
  ])('a host that %s is left after 2.5 seconds', async (_what, handler) => {
    internet.serve(url, handler);
    const taken = startStopwatch();
    expect(await ask()).toEqual({ kind: 'unreachable', reason: 'the host did not answer in time' });
    expect(taken()).toBeLessThan(3_000);
  });

  test('a host whose name servers say nothing is left after 2.5 seconds', async () => {
    const https = createPublicHttps({ ...internet.reached, resolve: () => new Promise(() => {}) });
    expect((await createMetadataDocumentSource({ https }).ask(url)).kind).toBe('unreachable');
  });
});

describe('a host that is not on the public internet', () => {
  test.each([
    ['127.0.0.1'],
    ['10.0.0.1'],
    ['169.254.169.254'],
    ['0.0.0.0'],
    ['::1'],
    ['fd00::1'],
    ['::ffff:127.0.0.1'],
    ['64:ff9b::7f00:1'],
  ])('is never connected to at %s', async (address) => {
    internet.name('tool.example', [address]);
    expect(await ask()).toEqual({ kind: 'refused', reason: 'the host is not on the public internet' });
    internet.name('tool.example', ['93.184.216.34', address]);
    expect((await ask()).kind).toBe('refused');
    const literal = address.includes(':') ? `[${address}]` : address;
    expect((await ask(new URL(`https://${literal}/client.json`).href)).kind).toBe('refused');
    expect([internet.connected, internet.asked]).toEqual([[], []]);
  });

  test('is never connected to when its name leads elsewhere at the second look', async () => {
    internet.serve(url, documentOf(good));
    internet.name('tool.example', ['93.184.216.34'], ['127.0.0.1']);
    expect((await ask()).kind).toBe('document');
    expect([internet.resolved, internet.connected]).toEqual([['tool.example'], ['93.184.216.34']]);
    expect((await ask()).kind).toBe('refused');
    expect(internet.connected).toEqual(['93.184.216.34']);
  });

  test('sees not even a connection by TLS', async () => {
    let connections = 0;
    const canary = createServer(() => {
      connections += 1;
    });
    await new Promise<void>((done) => void canary.listen(0, '127.0.0.1', done));
    const { port } = canary.address() as { port: number };
    const source = createMetadataDocumentSource({ https: createPublicHttps() });
    expect((await source.ask(`https://127.0.0.1:${port}/client.json`)).kind).toBe('refused');
    expect(connections).toBe(0);
    await new Promise((done) => canary.close(done));
  });

  test('has no address at all', async () => {
    internet.name('tool.example', []);
    expect(await ask()).toEqual({ kind: 'unreachable', reason: 'the host has no address' });
  });
});
