/** Assistants that nobody here wrote: both official MCP clients, from the URL of an MCP server alone. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Platform } from '../../examples/platform/platform.ts';
import { closeBrowser, openBrowser } from '../support/browser.ts';
import { type CallbackListener, startCallbackListener } from '../support/callback-listener.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, type TestMandate } from '../support/mandate.ts';
import { createTool, createToolV1, type MakeTool, type Tool } from '../support/mcp-tools.ts';
import { signInIfAsked } from '../support/oauth-requests.ts';
import { startPlatformOnMandate } from '../support/platform-on-mandate.ts';

/** Ticks boxes on the consent page; true is ticked. */
type Choice = Record<string, boolean>;
/** Goes where the tool says, signs in when asked, chooses, and comes back to the tool. */
type Person = (address: URL, choice: Choice) => Promise<URL>;

let mandate: TestMandate;
let platform: Platform;
let stop: () => Promise<void>;
let listener: CallbackListener;
const actor = { id: 'command' };

beforeAll(async () => {
  ({ mandate, platform, stop } = await startPlatformOnMandate());
  listener = await startCallbackListener();
});
afterAll(async () => {
  await closeBrowser();
  await listener.stop();
  await stop();
});

/** A person with a browser that runs no scripts. */
function quickPerson(): Person {
  const browser = createBrowserlessClient(mandate.issuer);
  return async (address, choice) => {
    const first = await browser.get(address.href, { follow: true });
    const page = await signInIfAsked(browser, first);
    const { location } = await browser.submit(page, 'Authorize', choice, { follow: true });
    return new URL(location ?? 'about:blank');
  };
}

/** A person with Chromium, which follows the redirect to the tool by itself. */
function personWithChromium(): Person {
  const opened = openBrowser().then((chromium) => chromium.newPage());
  return async (address, choice) => {
    const page = await opened;
    await page.goto(address.href);
    if ((await page.title()).startsWith('Sign in')) {
      await page.getByLabel('Email').fill('editor@acme.test');
      await page.getByLabel('Password', { exact: true }).fill(demo.password);
      await page.getByRole('button', { name: 'Sign in' }).click();
    }
    for (const [name, ticked] of Object.entries(choice)) {
      await page
        .getByRole('checkbox', { name: new RegExp(`(^|\\s)${name}(\\s|$)`) })
        .first()
        .setChecked(ticked);
    }
    const returned = listener.next();
    await page.getByRole('button', { name: 'Authorize' }).click();
    return returned;
  };
}

const cases: [string, MakeTool, () => Person][] = [
  ['@modelcontextprotocol/client 2, consent in Chromium', createTool, personWithChromium],
  ['@modelcontextprotocol/sdk 1', createToolV1, quickPerson],
];

describe.each(cases)('%s', (_, makeTool, makePerson) => {
  let tool: Tool;
  let person: Person;
  const url = () => `${platform.origin}/mcp/atlas`;

  beforeAll(() => {
    tool = makeTool(url(), listener.redirectUri);
    person = makePerson();
  });
  afterAll(() => tool.close());

  const token = () => tool.memory.tokens()?.access_token ?? '';
  const authorization = async () => {
    const editor = await mandate.stores.users.findByEmail('editor@acme.test');
    const clientId = tool.memory.client()?.client_id;
    const all = await mandate.stores.authorizations.listByUser(editor?.id ?? '');
    const own = all.find((one) => one.clientId === clientId && one.status === 'active');
    if (!own) throw new Error('the client holds no authorization');
    return own;
  };
  const choose = async (change: (capabilities: readonly string[]) => string[]) => {
    const { id, ...old } = await authorization();
    const choice = { ...old, capabilities: change(old.capabilities) };
    await mandate.store.transact((trx) =>
      mandate.stores.authorizations.replaceChoice(trx, actor, id, choice),
    );
  };
  /** The tool's own request, without the client's attempts at repairing a refusal. */
  const callByHand = (bearer: string, name: string) =>
    fetch(url(), {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${bearer}`,
        Accept: 'application/json, text/event-stream',
        'Content-Type': 'application/json',
        'MCP-Protocol-Version': '2025-06-18',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name, arguments: { name: 'By hand' } },
      }),
    });

  test('finds Mandate from the URL, registers, and sends the person there with the resource', async () => {
    await expect(tool.connect()).rejects.toThrow();
    expect(tool.memory.client()?.client_id).toMatch(/^dcr_/);
    const address = tool.memory.takeAddress();
    expect(address?.origin).toBe(mandate.issuer);
    expect(address?.searchParams.get('resource')).toBe(url());
    expect(address?.searchParams.get('scope')).toContain('mcp');
    const back = await person(address ?? new URL('about:blank'), { 'atlas-flows': true });
    expect(back.searchParams.get('iss')).toBe(mandate.issuer);
    await tool.finish(back);
    await tool.connect();
  });

  test('calls a tool, which knows for whom it acts', async () => {
    expect(await tool.call('whoami')).toMatchObject({ username: 'editor@acme.test', scopes: ['mcp'] });
  });

  test('is refused create_flow with insufficient_scope while flows:edit was not chosen', async () => {
    const response = await callByHand(token(), 'create_flow');
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
    await expect(tool.call('create_flow', { name: 'Not yet' })).rejects.toThrow();
  });

  test('may create flows once the person chose flows:edit on atlas, by the same authorization', async () => {
    const before = await authorization();
    // Version 2 sends the person back by itself; version 1 wants to be asked to.
    const address = tool.memory.takeAddress() ?? (await anotherRequest());
    const back = await person(address, { 'flows:edit': true, atlas: true, 'atlas-flows': true });
    await tool.finish(back);
    await tool.connect();
    expect(await tool.call('create_flow', { name: 'Chosen' })).toMatchObject({ name: 'Chosen' });
    const after = await authorization();
    expect([after.id, after.capabilities.includes('flows:edit')]).toEqual([before.id, true]);
  });

  test('loses what is taken from its authorization, and has it again, by one and the same token', async () => {
    const same = token();
    await choose((capabilities) => capabilities.filter((name) => name !== 'flows:edit'));
    expect((await callByHand(same, 'create_flow')).status).toBe(403);
    await choose(() => []);
    expect((await callByHand(same, 'whoami')).status).toBe(401);
    await choose(() => ['mcp', 'flows:edit']);
    expect((await callByHand(same, 'create_flow')).status).toBe(200);
    expect(await tool.call('create_flow', { name: 'Again' })).toMatchObject({ name: 'Again' });
    expect(token()).toBe(same);
  });

  test('gets 401 at the next call after the authorization was revoked, and has to ask the person', async () => {
    // Version 2 warns that it forgets its tokens.
    jest.spyOn(console, 'warn').mockImplementation(() => {});
    const same = token();
    const { id } = await authorization();
    await mandate.stores.authorizations.revoke(actor, id);
    expect((await callByHand(same, 'whoami')).status).toBe(401);
    await expect(tool.call('whoami')).rejects.toThrow();
    expect(tool.memory.takeAddress()?.origin).toBe(mandate.issuer);
  });

  /** Makes the tool start over as it does without tokens: same client, same browser. */
  async function anotherRequest(): Promise<URL> {
    await tool.memory.provider.invalidateCredentials?.('tokens');
    await expect(tool.connect()).rejects.toThrow();
    return tool.memory.takeAddress() ?? new URL('about:blank');
  }
});
