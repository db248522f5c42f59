/** A person's own pages as they are served: in light and dark, narrow and wide, and by keyboard alone. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import * as account from '../support/account.ts';
import { axeViolations, closeBrowser } from '../support/browser.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect, tokenByCode } from '../support/oauth.ts';
import { openPage, signIn } from '../support/person.ts';

/** A folder to keep pictures in, for whoever wants to look. */
const pictures = process.env.PICTURES;

let mandate: TestMandate;
let grant: string;
let narrowed: string;
let key: string;

beforeAll(async () => {
  mandate = await startMandate();
  const authorize = async (answers: Record<string, string | boolean>, resource: string = demo.api) => {
    const person = { email: 'editor@acme.test', answers };
    const { access_token: token = '' } = await tokenByCode(mandate.issuer, person, {
      scope: 'api flows:edit mcp',
      resource,
    });
    const caller = resource === demo.api ? demo.apiServer : demo.mcpServer;
    return String((await introspect(mandate.issuer, token, caller)).authorization_id);
  };
  grant = await authorize({ 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor', borealis: true });
  narrowed = await authorize({ mcp: true, 'atlas-flows': true, atlas: true }, demo.atlasFlows);
  const editor = await account.signIn(mandate.issuer, 'editor@acme.test');
  ({ id: key } = await account.createKey(editor, {
    Name: 'Nightly export of all flows to the warehouse',
    Member: true,
    'flows:edit': true,
    atlas: true,
    borealis: true,
    mcp: true,
    'borealis-reports': true,
  }));
  const admin = await account.signIn(mandate.issuer, 'admin@acme.test');
  for (let count = 1; count <= 23; count += 1) {
    await account.createKey(admin, { Name: `Key ${count}`, api: true });
  }
  await mandate.stores.authorizations.suspend({ id: 'command' }, narrowed);
  await mandate.app.settle();
  if (pictures !== undefined) mkdirSync(pictures, { recursive: true });
});
afterAll(async () => {
  await closeBrowser();
  await mandate.stop();
});

async function enter(page: Page, path: string, email = 'editor@acme.test') {
  await page.goto(mandate.issuer + path);
  await signIn(page, email);
}

/** How to reach each page, and what tells that it is there. */
const routes: readonly [name: string, sign: string, visit: (page: Page) => Promise<unknown>][] = [
  ['sign-in to the account', 'Email', (page) => page.goto(`${mandate.issuer}/account/authorizations`)],
  ['authorizations', 'Acme Web', (page) => enter(page, '/account/authorizations')],
  [
    'no authorizations yet',
    'not authorized any tool',
    (page) => enter(page, '/account/authorizations', 'viewer@acme.test'),
  ],
  ['API keys', 'Nightly export', (page) => enter(page, '/account/authorizations?tab=api-keys')],
  [
    'API keys of everyone',
    'Older',
    (page) => enter(page, '/account/authorizations?tab=api-keys', 'admin@acme.test'),
  ],
  ['authorization', 'Granted', (page) => enter(page, `/account/authorizations/${grant}`)],
  [
    'authorization just saved',
    'loses access to borealis at once',
    async (page) => {
      await enter(page, `/account/authorizations/${grant}`);
      await page.getByRole('checkbox', { name: 'borealis', exact: true }).uncheck();
      await page.getByRole('button', { name: 'Save' }).click();
    },
  ],
  [
    'authorization of which a tool needs more',
    'A tool needs more',
    (page) => enter(page, `/account/authorizations/${grant}?add=apps:view`),
  ],
  [
    'authorization with something added for a while',
    'Saved, until',
    async (page) => {
      await enter(page, `/account/authorizations/${grant}`);
      await page.getByRole('checkbox', { name: 'apps:view' }).check();
      await page.getByRole('radio', { name: 'for 1 hour' }).check();
      await page.getByRole('button', { name: 'Save' }).click();
    },
  ],
  ['suspended authorization', 'Resume', (page) => enter(page, `/account/authorizations/${narrowed}`)],
  ['API key', 'Rotate secret', (page) => enter(page, `/account/authorizations/${key}`)],
  [
    'API key of somebody else',
    'Owner',
    (page) => enter(page, `/account/authorizations/${key}`, 'admin@acme.test'),
  ],
  ['new API key', 'Create key', (page) => enter(page, '/account/api-keys/new')],
  [
    'new API key by an admin',
    'Create a role',
    (page) => enter(page, '/account/api-keys/new', 'admin@acme.test'),
  ],
  [
    'new API key with nothing picked',
    'No key was made',
    async (page) => {
      await enter(page, '/account/api-keys/new');
      await page.getByLabel('Name', { exact: true }).fill('empty');
      await page.getByRole('button', { name: 'Create key' }).click();
    },
  ],
  [
    'secret of an API key',
    'Copy it now',
    async (page) => {
      await enter(page, '/account/api-keys/new');
      await page.getByLabel('Name', { exact: true }).fill('shown once');
      await page.getByRole('checkbox', { name: 'Viewer', exact: true }).check();
      await page.getByRole('button', { name: 'Create key' }).click();
    },
  ],
  ['API key refused', 'api-keys.create', (page) => enter(page, '/account/api-keys/new', 'analyst@acme.test')],
  [
    'authorization that changed meanwhile',
    'since you looked at it',
    async (page) => {
      await enter(page, `/account/authorizations/${key}`);
      await mandate.stores.authorizations.suspend({ id: 'command' }, key);
      await mandate.stores.authorizations.resume({ id: 'command' }, key);
      await page.getByRole('button', { name: 'Save' }).click();
    },
  ],
];

test.each(routes)('%s', async (name, sign, visit) => {
  const { page, complaints, close } = await openPage([mandate.issuer]);
  await visit(page);
  await page.getByText(sign).first().waitFor();
  const problems: string[] = [];
  for (const width of [320, 1440]) {
    await page.setViewportSize({ width, height: width === 320 ? 640 : 900 });
    // As high as it is: a bar that sticks to the window's end covers nothing that cannot be scrolled to.
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ width, height });
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wider > 0) problems.push(`${wider} px wider than a window of ${width} px`);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const rules = colorScheme === 'light' ? undefined : ['color-contrast'];
      for (const violation of await axeViolations(page, rules)) {
        problems.push(`${colorScheme}, ${width} px: ${violation}`);
      }
      if (pictures !== undefined) {
        const file = `${name.replace(/\W+/g, '-')}-${colorScheme}-${width}.png`;
        await page.screenshot({ path: join(pictures, file), fullPage: true });
      }
    }
  }
  expect([...problems, ...complaints()]).toEqual([]);
  await close();
});

test('the summary of a key follows its roles, and says what the server would say', async () => {
  const { page, complaints, close } = await openPage([mandate.issuer]);
  await enter(page, '/account/api-keys/new');
  const summary = page.locator('#summary');
  await page.getByRole('checkbox', { name: 'Editor', exact: true }).check();
  await page.getByRole('checkbox', { name: 'atlas', exact: true }).check();
  await expect(summary.textContent()).resolves.toContain(
    'This key will be able to use the platform API, view apps, edit flows and call HTTP endpoints in 1 project, and call no MCP server',
  );
  const said = await summary.textContent();
  // Enter leaves the form alone in a box; the page that comes back without a name says the same.
  await page.getByLabel('Name', { exact: true }).evaluate((field) => field.removeAttribute('required'));
  await page.getByRole('button', { name: 'Create key' }).click();
  await page.getByText('Give the key a name').waitFor();
  expect(await summary.textContent()).toBe(said);
  expect(complaints()).toEqual([]);
  await close();
});

test('an authorization is narrowed by keyboard alone', async () => {
  const { page, close } = await openPage([mandate.issuer]);
  await enter(page, `/account/authorizations/${key}`);
  const box = page.getByRole('checkbox', { name: 'flows:edit' });
  await box.focus();
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: 'Save' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('Saved.').first().waitFor();
  expect(await page.getByRole('checkbox', { name: 'flows:edit' }).isChecked()).toBe(false);
  await close();
});
