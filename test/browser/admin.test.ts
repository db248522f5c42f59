/** The administration's pages as people meet them: light and dark, narrow and wide, checked with axe. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { axeViolations, closeBrowser, openBrowser } from '../support/browser.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { tokenByCode } from '../support/oauth.ts';

const looks = [
  { colorScheme: 'light', width: 1440 },
  { colorScheme: 'dark', width: 320 },
  { colorScheme: 'light', width: 320 },
  { colorScheme: 'dark', width: 1440 },
] as const;

describe('the administration in a browser', () => {
  let mandate: TestMandate;
  let addresses: string[];

  beforeAll(async () => {
    mandate = await startMandate();
    await tokenByCode(mandate.issuer, {
      email: 'editor@acme.test',
      answers: { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor' },
    });
    const { users, roles, projects, mcpServers, resourceServers, authorizations } = mandate.stores;
    const editor = (await users.findByEmail('editor@acme.test'))?.id;
    const machine = (await users.findByEmail('ci@acme.test'))?.id;
    const atlas = (await projects.findBySlug('atlas'))?.id;
    const custom = (await roles.findBySlug('analyst'))?.id;
    const held = (await roles.findBySlug('editor'))?.id;
    const server = (await mcpServers.findByName('atlas-flows'))?.id;
    const guard = (await resourceServers.find('acme-api'))?.id;
    const authorization = (await authorizations.list({ limit: 10 })).at(-1)?.id;
    addresses = [
      'users',
      'users/new',
      `users/${editor}`,
      `users/${editor}/access`,
      `users/${editor}/authorizations`,
      `users/${editor}/suspend`,
      `users/${editor}/remove-role?role=${held}&project=${atlas}`,
      'service-accounts',
      `service-accounts/${machine}`,
      'roles',
      `roles/${custom}`,
      `roles/${held}`,
      'projects',
      `projects/${atlas}`,
      `projects/${atlas}/delete`,
      'mcp-servers',
      'mcp-servers/new',
      `mcp-servers/${server}`,
      'clients',
      'clients/acme-web',
      'clients/acme-web/delete',
      'clients/new',
      'resource-servers',
      `resource-servers/${guard}`,
      'authorizations',
      `authorizations/${authorization}?capability=flows:edit&on=${atlas}`,
      'policies',
      'approvals',
      'audit',
    ];
  });
  afterAll(async () => {
    await closeBrowser();
    await mandate.stop();
  });

  async function signIn(page: Page, path: string): Promise<void> {
    await page.goto(`${mandate.issuer}${path}`);
    await page.getByLabel('Email').fill('admin@acme.test');
    await page.getByLabel('Password').fill(demo.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  test.each(looks)(
    'every page is clean in $colorScheme at $width px',
    async ({ colorScheme, width }) => {
      const browser = await openBrowser();
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => complaints.push(`${page.url()}: ${message.text()}`));
      await signIn(page, '/admin/users');
      const folder = process.env.ADMIN_SCREENSHOTS;
      for (const address of addresses) {
        const response = await page.goto(`${mandate.issuer}/admin/${address}`);
        if (response?.status() !== 200) complaints.push(`${address}: ${response?.status()}`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (overflow > 0) complaints.push(`${address}: ${overflow} px wider than the window`);
        for (const violation of await axeViolations(page)) complaints.push(`${address}: ${violation}`);
        if (folder) {
          const name = address.replaceAll(/[^a-z-]+/g, '_').replaceAll(/_[a-z]{0,3}_[a-z_]*/g, '_one_');
          const at = addresses.indexOf(address);
          await page.screenshot({
            path: `${folder}/${at}-${name}-${colorScheme}-${width}.png`,
            fullPage: true,
          });
        }
      }
      await context.close();
      expect(complaints).toEqual([]);
    },
    120_000,
  );

  test('a role is given, and taken away after the page has said whose authorization that cuts', async () => {
    const browser = await openBrowser();
    const page = await (await browser.newContext()).newPage();
    await signIn(page, '/admin/users');
    await page.getByRole('link', { name: 'editor@acme.test' }).click();
    await page.getByRole('link', { name: 'Access' }).click();
    await page.getByLabel('Role', { exact: true }).selectOption('Viewer');
    await page.getByLabel('Where', { exact: true }).selectOption('cygnus');
    await page.getByRole('button', { name: 'Give role' }).click();
    await page.getByText('It holds from now on').waitFor();
    await page
      .getByRole('row', { name: /Editor.*atlas/ })
      .getByRole('link', { name: 'Remove' })
      .click();
    await page.getByText('1 authorization of 1 account loses something at once.').waitFor();
    await page.getByRole('button', { name: 'Remove' }).click();
    await page.getByText('It holds from now on').waitFor();
    expect(await page.getByRole('row', { name: /Editor.*atlas/ }).count()).toBe(0);
    expect(await page.getByRole('row', { name: /Viewer.*cygnus/ }).count()).toBe(1);
    await page.context().close();
  }, 60_000);
});
