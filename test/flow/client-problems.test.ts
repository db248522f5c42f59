/** A tool that is no client here: what its person reads, and what the tool is told. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { requestOf, toolDocument, toolId, visit } from '../support/documented-tool.ts';
import { type BrowserlessClient, createBrowserlessClient } from '../support/http.ts';
import { createInternet, type Internet } from '../support/internet.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { postForm } from '../support/oauth.ts';
import { openConsent, registerClient } from '../support/oauth-requests.ts';

const actor = { id: 'command' };

let internet: Internet;
let mandate: TestMandate;
let browser: BrowserlessClient;
beforeAll(async () => {
  internet = await createInternet();
  mandate = await startMandate({ metadataDocuments: { internet: internet.reached } });
});
beforeEach(() => {
  internet.turn('tool.example', 'on');
  internet.serve(toolId, toolDocument);
  browser = createBrowserlessClient(mandate.issuer);
  mandate.clock.advance(400);
});
afterAll(async () => {
  await mandate.stop();
  await internet.stop();
});

describe('an id that nobody here has', () => {
  test.each([
    ['cursor://anysphere.cursor-mcp/oauth/callback', 'Clear All MCP Tokens'],
    ['http://localhost:3334/oauth/callback', '.mcp-auth'],
    ['http://localhost:54545/callback', 'Clear authentication'],
    ['https://vscode.dev/redirect', 'Remove Dynamic Authentication Providers'],
    ['https://claude.ai/api/mcp/auth_callback', 'remove this connector'],
    ['https://someone.example/callback', 'clear its sign-in'],
  ])('a tool at %s: the page says where to reset it', async (redirect, words) => {
    const page = await visit(browser, 'dcr_gone', redirect);
    expect(page.status).toBe(400);
    expect(page.title).toContain('does not know the tool any more');
    expect(page.text).toContain(words);
    expect(page.text).toContain('dcr_gone');
  });

  test('a tool that was cleared away is known by the name that it had', async () => {
    const redirect = 'http://127.0.0.1:7001/callback';
    const { client_id: id } = await registerClient(mandate.issuer, redirect, { client_name: 'Cursor' });
    mandate.clock.advance(90_000);
    await mandate.app.garbage.collect();
    expect((await visit(browser, String(id), redirect)).text).toContain('Clear All MCP Tokens');
  });

  test('German speakers read it in German', async () => {
    const address = `/authorize?${new URLSearchParams(requestOf('dcr_gone'))}`;
    const page = await browser.get(address, { headers: { 'accept-language': 'de' } });
    expect(page.title).toContain('kennt das Werkzeug nicht mehr');
  });

  test.each(['<script>alert(1)</script>', 'x'.repeat(5_000), 'a\u0000b', ' '])(
    'is harmless: %#',
    async (id) => {
      const page = await visit(browser, id);
      expect(page.status).toBe(400);
      expect(page.body).not.toContain('<script>alert');
      expect(page.body.length).toBeLessThan(20_000);
    },
  );

  test('a client that is deleted while its person decides gets the page too', async () => {
    const redirect = 'http://127.0.0.1:7001/callback';
    const { client_id: id } = await registerClient(mandate.issuer, redirect, { client_name: 'Short-lived' });
    const page = await openConsent(browser, requestOf(String(id), redirect));
    await mandate.stores.clients.remove(actor, String(id));
    const after = await browser.submit(page, 'Deny', {}, { follow: true });
    expect(after.status).toBe(400);
    expect(after.title).toContain('does not know the tool any more');
  });

  test.each([
    ['/token', { grant_type: 'refresh_token', refresh_token: 'any' }],
    ['/token', { grant_type: 'authorization_code', code: 'any', redirect_uri: 'x', code_verifier: 'x' }],
    ['/par', {}],
    ['/revoke', { token: 'any' }],
  ])('%s answers 401 invalid_client, on which tools register anew', async (path, fields) => {
    const url = mandate.issuer + path;
    const byId = await postForm(url, { client_id: 'dcr_gone', ...fields } as Record<string, string>);
    const secret = { id: 'dcr_gone', secret: 'any' };
    const bySecret = await postForm(url, fields as Record<string, string>, secret);
    for (const { status, text } of [byId, bySecret]) {
      expect([status, JSON.parse(text)]).toEqual([401, expect.objectContaining({ error: 'invalid_client' })]);
    }
    expect(bySecret.headers.get('www-authenticate')).toMatch(/^Basic /);
  });
});

test('a tool that an administrator switched off is said to be so', async () => {
  await mandate.stores.clients.disable(actor, demo.cli.id);
  const page = await visit(browser, demo.cli.id, 'http://127.0.0.1:7001/callback');
  await mandate.stores.clients.enable(actor, demo.cli.id);
  expect([page.status, page.title.includes('switched off')]).toEqual([400, true]);
});

describe('a document that cannot be used', () => {
  test.each<[string, Parameters<Internet['serve']>[1], string]>([
    ['404', (_request, response) => void response.writeHead(404).end(), 'the host answered 404'],
    [
      'HTML',
      (_request, response) => void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>'),
      'the answer is not JSON',
    ],
    ['5 KB + 1', { ...toolDocument, padding: 'x'.repeat(5_121) }, 'larger than 5120 bytes'],
    [
      "another tool's document",
      { ...toolDocument, client_id: 'https://tool.example/other' },
      'client_id in the document is not its address',
    ],
    ['a shared secret', { ...toolDocument, client_secret: 'x' }, 'the document contains a client secret'],
  ])('%s: the page says what is wrong and since when', async (_what, answer, reason) => {
    expect((await visit(browser)).title).toContain('Sign in');
    const goodAt = mandate.clock.now();
    internet.serve(toolId, answer);
    mandate.clock.advance(301);
    const page = await visit(browser);
    expect([page.status, page.title.includes('does not say who it is')]).toEqual([400, true]);
    expect(page.text).toContain(reason);
    expect(page.text).toContain(toolId);
    const time = new Date(goodAt * 1_000).toISOString().slice(11, 19);
    expect(page.text).toMatch(new RegExp(`Last usable.*${time} UTC`, 's'));
  });

  test('a host that is down for longer than a day may come back: that is said', async () => {
    await visit(browser);
    internet.turn('tool.example', 'off');
    mandate.clock.advance(86_401);
    const page = await visit(browser);
    expect([page.status, page.title.includes('cannot be identified right now')]).toEqual([400, true]);
    expect(page.text).toContain('Try again in a few minutes');
    expect(page.text).toContain('Last usable');
  });

  test('one that was never seen has no last time', async () => {
    const page = await visit(browser, 'https://nowhere.example/client.json');
    expect(page.status).toBe(400);
    expect(page.text).not.toContain('Last usable');
    expect(page.text).not.toContain('remove this server');
  });
});
