/** Every snippet of the guides, run as a reader would: copied out of the page, against a server of its own. */
import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { createPlatform } from '../../examples/platform/platform.ts';
import { type CallbackListener, startCallbackListener } from '../support/callback-listener.ts';
import { freePort } from '../support/free-port.ts';
import { blocksOf, createWorkbench, type Workbench } from '../support/guide.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { createTool } from '../support/mcp-tools.ts';
import { codeFlow, signInIfAsked } from '../support/oauth-requests.ts';

let mandate: TestMandate;
let workbench: Workbench;
let listener: CallbackListener;
let port: number;
let origin: string;
/** Blocks that a test below has run. */
const run = new Set<string>();

beforeAll(async () => {
  port = await freePort();
  origin = `http://localhost:${port}`;
  mandate = await startMandate({ platformOrigin: origin });
  workbench = await createWorkbench();
  await chmod(join(workbench.folder, 'mandate'), 0o755);
  listener = await startCallbackListener();
});
afterEach(() => workbench.end());
afterAll(async () => {
  await workbench.clear();
  await listener.stop();
  await mandate.stop();
});

/** Takes a block out of a guide. */
async function block(guide: string, name: string): Promise<string> {
  const content = (await blocksOf(guide)).get(name);
  if (content === undefined) throw new Error(`${guide} has no block ${name}`);
  run.add(`${guide} ${name}`);
  return content;
}

/** Starts a server of a guide, and waits until it answers. @returns what ends it */
async function serve(guide: string, name: string, environment: Record<string, string>) {
  await workbench.write(name, await block(guide, name));
  const child = await workbench.serve(name, { ISSUER: mandate.issuer, ...environment });
  let complaints = '';
  child.stderr?.on('data', (text: Buffer) => {
    complaints += text.toString();
  });
  for (let tries = 0; ; tries += 1) {
    if (await fetch(origin).catch(() => undefined)) break;
    if (tries > 600 || child.exitCode !== null) throw new Error(`${name} does not serve: ${complaints}`);
    await pause(50);
  }
  return {
    complaints: () => complaints,
  };
}

/** Signs in as the editor and approves; the boxes that are ticked stay as they are. */
async function approve(address: string): Promise<void> {
  const browser = createBrowserlessClient(mandate.issuer);
  let page = await browser.get(address, { follow: true });
  for (let step = 0; step < 2; step += 1) page = await browser.submit(page, 'Continue', {}, { follow: true });
  page = await browser.submit(await signInIfAsked(browser, page), 'Authorize', {}, { follow: true });
  expect(page.text).toContain('Return to your terminal');
}

test('protect an MCP server: an assistant that is given the address gets through, and a narrowed one does not', async () => {
  const resource = `${origin}/mcp/atlas`;
  await serve('protect-an-mcp-server.md', 'mcp-server.mjs', {
    RESOURCE: resource,
    CLIENT_ID: demo.mcpServer.id,
    CLIENT_SECRET: demo.mcpServer.secret,
  });
  const tool = createTool(resource, listener.redirectUri);
  await expect(tool.connect()).rejects.toThrow();
  const browser = createBrowserlessClient(mandate.issuer);
  const address = tool.memory.takeAddress()?.href ?? '';
  const page = await signInIfAsked(browser, await browser.get(address, { follow: true }));
  const { location } = await browser.submit(page, 'Authorize', {}, { follow: true });
  await tool.finish(new URL(location ?? ''));
  await tool.connect();
  expect(await tool.call('whoami')).toBe('editor@acme.test');
  const { id } = await mandate.store.db
    .selectFrom('authorizations')
    .select('id')
    .where('follows_owner', '=', 0)
    .executeTakeFirstOrThrow();
  await mandate.stores.authorizations.suspend({ id: 'command' }, id);
  await expect(tool.call('whoami')).rejects.toThrow();
  await tool.close();
});

test('protect an API: what a token may do now decides each route; introspection by any library', async () => {
  const environment = {
    RESOURCE: `${origin}/api`,
    CLIENT_ID: demo.apiServer.id,
    CLIENT_SECRET: demo.apiServer.secret,
  };
  await serve('protect-an-api.md', 'api.mjs', environment);
  const { body } = await codeFlow(mandate.issuer, {
    request: { scope: 'api flows:edit' },
    answers: { 'flows:edit': true, atlas: true, borealis: true },
  });
  const token = body.access_token ?? '';
  const call = (method: string, project: string) =>
    fetch(`${origin}/api/projects/${project}/flows`, {
      method,
      headers: { Authorization: `Bearer ${token}` },
    });
  expect(await (await call('GET', 'borealis')).json()).toMatchObject({ for: 'editor@acme.test' });
  expect((await call('POST', 'atlas')).status).toBe(201);
  expect((await call('POST', 'borealis')).status).toBe(403);
  expect((await fetch(`${origin}/api/projects/atlas/flows`)).status).toBe(401);

  const script = await block('protect-an-api.md', 'ask');
  const asked = await workbench.run('sh', ['-c', script], {
    ISSUER: mandate.issuer,
    TOKEN: token,
    ...environment,
  });
  expect(JSON.parse(asked.stdout)).toMatchObject({ active: true, username: 'editor@acme.test' });
});

test('log a command line in: by a program of one’s own, and by the commands that come along', async () => {
  const program = await workbench.write('login.mjs', await block('log-a-command-line-in.md', 'login.mjs'));
  const decided: Promise<void>[] = [];
  const approveWhenShown = (text: string) => {
    const address = /http:\/\/\S+\/device\?\S+/.exec(text)?.[0];
    if (address) decided.push(approve(address));
  };
  const environment = { ISSUER: mandate.issuer, MANDATE_HOME: join(workbench.folder, 'home') };
  await workbench.write('client.yaml', await block('log-a-command-line-in.md', 'client.yaml'));
  const imported = await workbench.run('mandate', ['import', 'client.yaml', '--yes'], {
    ISSUER: mandate.issuer,
    DATABASE_URL: mandate.databaseUrl,
  });
  expect(imported).toMatchObject({ code: 0 });
  // The poll waits by its own clock, the server counts by ours.
  const ticking = setInterval(() => mandate.clock.advance(1), 1_000);
  const asItself = { ...environment, CLIENT_ID: 'acme-deploy' };
  const own = await workbench.run(process.execPath, [program], asItself, approveWhenShown);
  expect(own).toMatchObject({ code: 0 });
  expect(JSON.parse(own.stdout)).toMatchObject({
    access_token: expect.any(String),
    scope: expect.any(String),
  });

  const script = await block('log-a-command-line-in.md', 'whoami');
  const commands = await workbench.run('sh', ['-ec', script], environment, approveWhenShown);
  clearInterval(ticking);
  await Promise.all(decided);
  expect(commands).toMatchObject({ code: 0 });
  expect(commands.stdout).toContain('editor@acme.test');
  expect(decided).toHaveLength(2);
}, 120_000);

test('connect assistants: the doctor finds nothing, and every configuration names a server that lets a tool in', async () => {
  const platform = createPlatform({
    port,
    origin,
    issuer: mandate.issuer,
    apiSecret: demo.apiServer.secret,
    mcpSecret: demo.mcpServer.secret,
    webSecret: demo.web.secret,
  });
  await platform.start();
  const guide = 'connect-assistants.md';
  const doctor = await workbench.run('sh', ['-ec', await block(guide, 'doctor')], {
    RESOURCE: `${origin}/mcp/atlas`,
  });
  expect(doctor).toMatchObject({ code: 0 });

  const vscode = JSON.parse(await block(guide, 'vscode'));
  const cursor = JSON.parse(await block(guide, 'cursor'));
  const bridge = JSON.parse(await block(guide, 'bridge'));
  const addresses = [
    vscode.servers['atlas-flows'].url,
    cursor.mcpServers['atlas-flows'].url,
    bridge.mcpServers['atlas-flows'].args[1],
  ];
  expect(bridge.mcpServers['atlas-flows'].args[0]).toBe('mcp-remote');
  for (const address of addresses) {
    // The demo's port is the guide's; this test's is its own.
    const tool = createTool(address.replace('http://localhost:4100', origin), listener.redirectUri);
    await expect(tool.connect()).rejects.toThrow();
    expect(tool.memory.takeAddress()?.origin).toBe(mandate.issuer);
    await tool.close();
  }
  await platform.stop();
});

test('migrate from static keys: both work side by side, and the owner that stays comes from a file', async () => {
  const guide = 'migrate-from-static-keys.md';
  const server = await serve(guide, 'both.mjs', {
    RESOURCE: `${origin}/api`,
    CLIENT_ID: demo.apiServer.id,
    CLIENT_SECRET: demo.apiServer.secret,
  });
  const call = async (token: string) => {
    const answer = await fetch(`${origin}/api`, { headers: { Authorization: `Bearer ${token}` } });
    return answer.status === 200 ? ((await answer.json()) as { hello: string }).hello : answer.status;
  };
  const { body } = await codeFlow(mandate.issuer, { request: { scope: 'api' } });
  expect(await call('old-key-of-the-nightly-job')).toBe('nightly-job');
  expect(server.complaints()).toContain('nightly-job still uses its old key');
  expect(await call(body.access_token ?? '')).toBe('editor@acme.test');
  expect(await call('another-old-key')).toBe(401);

  await workbench.write('service-accounts.yaml', await block(guide, 'service-accounts.yaml'));
  const imported = await workbench.run('mandate', ['import', 'service-accounts.yaml', '--yes'], {
    ISSUER: mandate.issuer,
    DATABASE_URL: mandate.databaseUrl,
  });
  expect(imported).toMatchObject({ code: 0 });
  expect(await mandate.stores.users.findByEmail('nightly-job@acme.test')).toMatchObject({
    kind: 'service_account',
  });
});

test('there is no block that none of these tests runs', async () => {
  const guides = await readdir(join(import.meta.dirname, '../../docs/guides'));
  const blocks = await Promise.all(
    guides.map(async (guide) => [...(await blocksOf(guide)).keys()].map((name) => `${guide} ${name}`)),
  );
  expect([...run].sort()).toEqual(blocks.flat().sort());
});
