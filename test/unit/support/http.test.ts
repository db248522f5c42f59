import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { movableClock } from '../../support/clock.ts';
import { createCookieJar } from '../../support/cookie-jar.ts';
import { freePort } from '../../support/free-port.ts';
import { readHtml } from '../../support/html.ts';
import { createBrowserlessClient } from '../../support/http.ts';

const consent = `<!doctype html><html><head><title>Authorize &amp; go</title><style>label{}</style></head><body>
  <form method="post" action="/send?step=1" id="consent"><input type="hidden" name="csrf" value="t&quot;k">
    <label for="e">Email</label><input id="e" name="email" value="a@b">
    <label><input type="checkbox" name="capability" value="api" checked> <code>api</code> use the API</label>
    <label><input type=checkbox name=capability value=mcp> mcp: call servers</label>
    <span id="role">Role in</span> <b id="slug">atlas</b>
    <select name="role" aria-labelledby="role slug"><option value="r1">Viewer</option><option value="r2" selected>Editor</option></select>
    <input type="radio" name="life" value="1" checked aria-label="One day"><input type="radio" name="life" value="7" aria-label="A week">
    <textarea name="note" aria-label="Note"><b>plain</b></textarea>
    <fieldset disabled><input name="off" aria-label="Off"></fieldset>
    <button name="decision" value="deny">Deny</button></form>
  <button form="consent" name="decision" value="authorize">Authorize</button> <a href="/next">Go on</a></body></html>`;

describe('a browserless client', () => {
  const received: { request: IncomingMessage; body: string }[] = [];
  const server = createServer(async (request, response) => {
    received.push({ request, body: await text(request) });
    response.setHeader('content-type', 'text/html; charset=utf-8');
    if (request.url === '/away') response.writeHead(302, { location: 'http://127.0.0.1:1/callback?code=x' });
    if (request.url === '/hop')
      response.writeHead(303, { location: 'away', 'set-cookie': 'hop=1; Path=/away' });
    if (request.url === '/form') response.setHeader('set-cookie', ['s=1; Path=/send; HttpOnly', 'lang=de']);
    response.end(consent);
  });
  let origin = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test('sends a form as a browser would after a person filled it in', async () => {
    const client = createBrowserlessClient(origin);
    const page = await client.get('/form');
    await client.submit(page, 'Authorize', {
      Email: 'x@y',
      api: false,
      mcp: true,
      'Role in atlas': 'Viewer',
      'A week': true,
    });
    const last = received.at(-1);
    expect(last?.request.url).toBe('/send?step=1');
    expect(last?.request.headers).toMatchObject({
      cookie: 's=1; lang=de',
      origin,
      'sec-fetch-site': 'same-origin',
    });
    expect([...new URLSearchParams(last?.body)]).toEqual([
      ['csrf', 't"k'],
      ['email', 'x@y'],
      ['capability', 'mcp'],
      ['role', 'r1'],
      ['life', '7'],
      ['note', '<b>plain</b>'],
      ['decision', 'authorize'],
    ]);
  });

  test('refuses to press and fill in what is not there', async () => {
    const client = createBrowserlessClient(origin);
    const page = await client.get('/form');
    expect(() => client.submit(page, 'Save')).toThrow('no form with a button "Save"');
    expect(() => client.submit(page, 'Deny', { Phone: '1' })).toThrow('no field labelled "Phone"');
    expect(() => client.submit(page, 'Deny', { Off: '1' })).toThrow('disabled');
    expect(() => client.submit(page, 'Deny', { 'Role in atlas': 'Owner' })).toThrow('offers Viewer, Editor');
  });

  test('follows redirects when asked, up to the one that leaves the origin', async () => {
    const client = createBrowserlessClient(origin);
    expect(await client.get('/hop')).toMatchObject({ status: 303, location: `${origin}/away` });
    const page = await client.postForm('/hop', { a: ['1', '2'] }, { follow: true });
    expect(page).toMatchObject({
      status: 302,
      location: 'http://127.0.0.1:1/callback?code=x',
      url: `${origin}/away`,
    });
    expect(received.at(-2)?.body).toBe('a=1&a=2');
    expect(received.at(-1)?.request).toMatchObject({ method: 'GET', headers: { cookie: 'hop=1' } });
  });
});

test('a page is read as a person sees it', () => {
  const page = readHtml(consent);
  expect(page.title).toBe('Authorize & go');
  expect(page.links).toEqual([{ href: '/next', label: 'Go on' }]);
  expect(page.text).toContain('api use the API');
  expect(page.forms[0]?.fields.find(({ value }) => value === 'api')).toMatchObject({
    label: 'api use the API',
    checked: true,
  });
});

test('a cookie is sent to its path and below, and goes when it is taken away', () => {
  const jar = createCookieJar();
  jar.keep(
    new Headers([
      ['set-cookie', 'a=1; Path=/x'],
      ['set-cookie', 'b=2; Path=/; Max-Age=60'],
    ]),
    '/',
  );
  expect([jar.headerFor('/x/y'), jar.headerFor('/xy'), jar.headerFor('/')]).toEqual([
    'a=1; b=2',
    'b=2',
    'b=2',
  ]);
  jar.keep(new Headers([['set-cookie', 'b=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT']]), '/');
  expect([jar.value('a'), jar.value('b')]).toEqual(['1', undefined]);
});

test('a clock stands still until it is moved', () => {
  const clock = movableClock(100);
  clock.advance(60);
  clock.advance(-1);
  expect(clock.now()).toBe(159);
});

test('a free port is one that can be listened on', async () => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  expect((server.address() as AddressInfo).port).toBe(port);
  server.close();
});
