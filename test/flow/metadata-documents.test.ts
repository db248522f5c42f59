/** Tools that are known by a document on the internet: first sight, change and outage. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createPlatform } from '../../examples/platform/platform.ts';
import { type CallbackListener, startCallbackListener } from '../support/callback-listener.ts';
import { requestOf, toolDocument, toolId, toolRedirect, visit } from '../support/documented-tool.ts';
import { freePort } from '../support/free-port.ts';
import { type BrowserlessClient, createBrowserlessClient } from '../support/http.ts';
import { createInternet, documentOf, type Internet } from '../support/internet.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { createTool, createToolV1, type MakeTool } from '../support/mcp-tools.ts';
import { shapes } from '../support/metadata-document-shapes.ts';
import { askToken, introspect, postForm } from '../support/oauth.ts';
import { codeFlow, openConsent, signInIfAsked } from '../support/oauth-requests.ts';

const actor = { id: 'command' };
const answers = { api: true };

let internet: Internet;
let mandate: TestMandate;
let browser: BrowserlessClient;
beforeAll(async () => {
  internet = await createInternet();
  mandate = await startMandate({ metadataDocuments: { internet: internet.reached } });
});
beforeEach(() => {
  internet.asked.length = 0;
  internet.turn('tool.example', 'on');
  internet.serve(toolId, toolDocument);
  browser = createBrowserlessClient(mandate.issuer);
});
// Whatever a story left fresh or limited is past.
afterEach(() => mandate.clock.advance(400));
afterAll(async () => {
  await mandate.stop();
  await internet.stop();
});

const connect = () =>
  codeFlow(mandate.issuer, { clientId: toolId, redirectUri: toolRedirect, answers, browser });
const refresh = (token: string | undefined) =>
  askToken(mandate.issuer, { grant_type: 'refresh_token', client_id: toolId, refresh_token: token ?? '' });

describe('a tool with a document', () => {
  test('connects, is shown with the host of its document, and is asked for once', async () => {
    const page = await openConsent(browser, requestOf());
    expect(page.text).toContain('tool.example');
    const { status, body } = await connect();
    expect(status).toBe(200);
    expect(await introspect(mandate.issuer, String(body.access_token))).toMatchObject({
      active: true,
      client_id: toolId,
      scope: 'api',
    });
    expect((await refresh(body.refresh_token)).status).toBe(200);
    expect(internet.asked).toEqual([toolId]);
  });

  test.each(Object.entries(shapes))('is %s', async (_name, shape) => {
    internet.serve(shape.client_id, shape);
    for (const redirect of shape.redirect_uris) {
      expect((await visit(browser, shape.client_id, redirect)).title).toContain('Sign in');
    }
    expect(internet.asked).toEqual([shape.client_id]);
  });

  test('6. may listen on any port of the loopback, though its document does not say that it is native', async () => {
    const { client_id } = shapes['VS Code'];
    internet.serve(client_id, shapes['VS Code']);
    expect((await visit(browser, client_id, 'http://127.0.0.1:50123/')).title).toContain('Sign in');
  });

  test('may push its request, and ask by a device code', async () => {
    const pushed = await postForm(`${mandate.issuer}/par`, requestOf());
    expect(pushed.status).toBe(201);
    const device = await postForm(`${mandate.issuer}/device/auth`, { client_id: toolId, scope: 'api' });
    expect(device.status).toBe(200);
    expect(internet.asked).toEqual([toolId]);
  });

  test('CM-04: is asked for once by 200 who see it first at the same time', async () => {
    const crowd = 'https://crowd.example/client.json';
    internet.serve(crowd, (request, response) => {
      setTimeout(() => documentOf({ ...toolDocument, client_id: crowd })(request, response), 100);
    });
    const address = `${mandate.issuer}/authorize?${new URLSearchParams(requestOf(crowd))}`;
    const statuses = await Promise.all(
      Array.from({ length: 200 }, async () => (await fetch(address, { redirect: 'manual' })).status),
    );
    expect(new Set(statuses)).toEqual(new Set([303]));
    expect(internet.asked).toEqual([crowd]);
  });
});

describe('the official MCP clients', () => {
  const cases: [string, MakeTool][] = [
    ['@modelcontextprotocol/client 2', createTool],
    ['@modelcontextprotocol/sdk 1', createToolV1],
  ];
  let listener: CallbackListener;
  beforeAll(async () => {
    listener = await startCallbackListener();
  });
  afterAll(() => listener.stop());

  test.each(cases)('%s connects by its document', async (_name, makeTool) => {
    jest.spyOn(console, 'warn').mockImplementation(() => {});
    const port = await freePort();
    const origin = `http://localhost:${port}`;
    const own = await startMandate({
      platformOrigin: origin,
      metadataDocuments: { internet: internet.reached },
    });
    const platform = createPlatform({
      port,
      origin,
      issuer: own.issuer,
      apiSecret: demo.apiServer.secret,
      mcpSecret: demo.mcpServer.secret,
      webSecret: demo.web.secret,
    });
    await platform.start();
    const sdk = 'https://assistant.example/client.json';
    internet.serve(sdk, { ...toolDocument, client_id: sdk, redirect_uris: [listener.redirectUri] });
    const tool = makeTool(`${origin}/mcp/atlas`, listener.redirectUri, sdk);
    try {
      await expect(tool.connect()).rejects.toThrow();
      const person = createBrowserlessClient(own.issuer);
      const first = await person.get(String(tool.memory.takeAddress()), { follow: true });
      const page = await signInIfAsked(person, first);
      const choice = { 'atlas-flows': true };
      const { location } = await person.submit(page, 'Authorize', choice, { follow: true });
      await tool.finish(new URL(String(location)));
      await tool.connect();
      expect(await tool.call('whoami')).toMatchObject({ username: 'editor@acme.test' });
      expect(tool.memory.client()?.client_id).toBe(sdk);
    } finally {
      await tool.close();
      await platform.stop();
      await own.stop();
    }
  });
});

describe('the host of a document is down', () => {
  test('live tokens refresh and introspect, and a person can still connect, until a day has passed', async () => {
    const { body } = await connect();
    internet.turn('tool.example', 'off');
    internet.asked.length = 0;
    mandate.clock.advance(301);
    const again = await refresh(body.refresh_token);
    expect(again.status).toBe(200);
    expect((await introspect(mandate.issuer, String(again.body.access_token))).active).toBe(true);
    expect((await connect()).status).toBe(200);

    mandate.clock.advance(86_400);
    const page = await visit(browser);
    expect([page.status, page.text.includes('the host could not be reached')]).toEqual([400, true]);
    expect((await refresh(again.body.refresh_token)).status).toBe(200);
    expect(internet.asked).toEqual([]);
  });

  test('a host that is down is left alone for half a minute', async () => {
    const { length: before } = internet.connected;
    await visit(browser);
    internet.turn('tool.example', 'off');
    mandate.clock.advance(301);
    await visit(browser);
    await visit(browser);
    expect(internet.connected.length - before).toBe(2);
    mandate.clock.advance(31);
    await visit(browser);
    expect(internet.connected.length - before).toBe(3);
  });

  test.each<[string, Parameters<Internet['serve']>[1]]>([
    ['404', (_request, response) => void response.writeHead(404).end()],
    [
      'HTML',
      (_request, response) => void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>'),
    ],
    ['5 KB + 1', { ...toolDocument, padding: 'x'.repeat(5_121) }],
  ])(
    'a host that now answers %s takes no live token away; a new authorization gets a page',
    async (_what, answer) => {
      const { body } = await connect();
      internet.serve(toolId, answer);
      mandate.clock.advance(301);
      expect((await visit(browser)).status).toBe(400);
      internet.turn('tool.example', 'off');
      expect((await visit(browser)).status).toBe(400);
      const again = await refresh(body.refresh_token);
      expect(again.status).toBe(200);
      expect((await introspect(mandate.issuer, String(again.body.access_token))).active).toBe(true);
    },
  );
});

describe('CM-06. a document that changed', () => {
  const changes = async () => {
    const all = await mandate.stores.history.of('client', toolId, 50);
    return all.filter(({ action }) => action === 'document_changed');
  };

  test('is noticed within five minutes whatever max-age says, recorded, and consent is asked', async () => {
    internet.serve(toolId, documentOf(toolDocument, { 'Cache-Control': 'max-age=86400' }));
    await connect();
    await mandate.stores.clients.verify(actor, toolId);
    const before = await changes();
    const moved = 'https://tool.example/moved';
    internet.serve(toolId, { ...toolDocument, client_name: 'Other', redirect_uris: [moved] });
    expect((await visit(browser)).title).toContain('Authorize');

    mandate.clock.advance(301);
    const removed = await visit(browser);
    expect([removed.status, removed.text.includes('invalid_redirect_uri')]).toEqual([400, true]);
    expect((await visit(browser, toolId, moved)).title).toContain('Authorize');
    const [change, ...older] = await changes();
    expect(older).toEqual(before);
    expect(change).toMatchObject({
      actor: `client:${toolId}`,
      before: { metadata: { client_name: 'Tool', redirect_uris: [toolRedirect] } },
      after: { metadata: { client_name: 'Other', redirect_uris: [moved] } },
    });
    expect((await mandate.stores.clients.find(toolId))?.verified).toBe(false);
  });

  test('in what nobody goes by stays verified', async () => {
    await visit(browser);
    await mandate.stores.clients.verify(actor, toolId);
    internet.serve(toolId, { ...toolDocument, client_uri: 'https://tool.example/about' });
    mandate.clock.advance(301);
    await visit(browser);
    expect(await mandate.stores.clients.find(toolId)).toMatchObject({
      verified: true,
      metadata: { client_uri: 'https://tool.example/about' },
    });
  });

  test('of a client that an administrator disabled is not looked at, on any node, at once', async () => {
    const second = await startMandate({
      databaseUrl: mandate.databaseUrl,
      clock: mandate.clock,
      metadataDocuments: { internet: internet.reached },
    });
    const { body } = await connect();
    await mandate.stores.clients.disable(actor, toolId);
    internet.asked.length = 0;
    mandate.clock.advance(301);
    for (const { issuer } of [mandate, second]) {
      const page = await fetch(`${issuer}/authorize?${new URLSearchParams(requestOf())}`, {
        redirect: 'manual',
      });
      expect(page.status).toBe(400);
      const fields = {
        grant_type: 'refresh_token',
        client_id: toolId,
        refresh_token: body.refresh_token ?? '',
      };
      expect((await askToken(issuer, fields)).body.error).toBe('invalid_client');
    }
    expect(internet.asked).toEqual([]);
    await mandate.stores.clients.enable(actor, toolId);
    await second.stop();
  });
});

describe('where documents are switched off', () => {
  let off: TestMandate;
  beforeAll(async () => {
    off = await startMandate({ metadataDocuments: { enabled: false, internet: internet.reached } });
  });
  afterAll(() => off.stop());

  test('the metadata does not offer them, and nobody is asked', async () => {
    const supported = async ({ issuer }: TestMandate) => {
      const response = await fetch(`${issuer}/.well-known/oauth-authorization-server`);
      return ((await response.json()) as Record<string, unknown>).client_id_metadata_document_supported;
    };
    expect([await supported(mandate), await supported(off)]).toEqual([true, undefined]);
    await off.stores.clients.saveMetadataDocument(actor, { id: toolId, metadata: toolDocument });
    const page = await fetch(`${off.issuer}/authorize?${new URLSearchParams(requestOf())}`);
    expect(page.status).toBe(400);
    expect(internet.asked).toEqual([]);
  });
});
