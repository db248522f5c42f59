/** Every page that a person can reach, as it is served: for everyone, in light and dark, narrow and wide. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { axeViolations, closeBrowser } from '../support/browser.ts';
import { type CallbackListener, startCallbackListener } from '../support/callback-listener.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { postForm } from '../support/oauth.ts';
import { registerClient } from '../support/oauth-requests.ts';
import { askAsWeb, openPage, returnBy, signIn, tick } from '../support/person.ts';

/** A folder to keep pictures in, for whoever wants to look: `PICTURES=folder npm test -- test/browser/pages`. */
const pictures = process.env.PICTURES;
const remote = 'https://assistant.example/callback';
const local = 'http://127.0.0.1:8123/callback';

let mandate: TestMandate;
/** Stands where acme-web is called back. */
let web: CallbackListener;
let remoteTool: Record<string, string>;
let localTool: Record<string, string>;
const leadsTo = new Map<string, number>();

beforeAll(async () => {
  web = await startCallbackListener();
  mandate = await startMandate({ platformOrigin: new URL(web.redirectUri).origin });
  const register = async (redirectUri: string, name: string) => ({
    client_id: String((await registerClient(mandate.issuer, redirectUri, { client_name: name })).client_id),
    redirect_uri: redirectUri,
  });
  remoteTool = await register(remote, 'An Assistant With A Rather Long Name That Goes On And On');
  localTool = await register(local, 'Claude Code');
  if (pictures !== undefined) mkdirSync(pictures, { recursive: true });
});
afterAll(async () => {
  await closeBrowser();
  await mandate.stop();
  await web.stop();
});

const asking = (fields: Record<string, string> = {}) =>
  askAsWeb(mandate.issuer, { redirect_uri: web.redirectUri, ...fields }).address;
const mcpServer = (path: string) => new URL(path, web.redirectUri).href;

/** Opens the consent page of a request. */
async function consent(page: Page, fields: Record<string, string>, email = 'editor@acme.test') {
  await page.goto(asking(fields));
  await signIn(page, email);
}

/** Starts a device and opens its comparison page. @returns its code */
async function compare(page: Page) {
  const { text } = await postForm(
    `${mandate.issuer}/device/auth`,
    { client_id: demo.cli.id, scope: 'api flows:edit' },
    undefined,
    { 'User-Agent': 'mandate-cli/1.0 (linux)' },
  );
  await page.goto((JSON.parse(text) as { verification_uri_complete: string }).verification_uri_complete);
  await page.getByRole('button', { name: 'Continue' }).click();
}

async function decideOnDevice(page: Page, button: string) {
  await compare(page);
  await page.getByRole('button', { name: 'Continue' }).click();
  await signIn(page, 'editor@acme.test');
  await page.getByRole('button', { name: button, exact: true }).click();
}

async function openSignedIn(page: Page, path: string) {
  await consent(page, {});
  await page.goto(mandate.issuer + path);
}

/** How to reach each page, and what tells that it is there. */
const routes: readonly [name: string, sign: string, visit: (page: Page) => Promise<unknown>][] = [
  ['start', 'Three things to try', (page) => page.goto(mandate.issuer)],
  ['sign-in', 'Acme Web', (page) => page.goto(asking())],
  ['sign-in for a tool that nobody verified', 'calls itself', (page) => page.goto(asking(remoteTool))],
  [
    'sign-in with a wrong password',
    'do not match',
    async (page) => {
      await page.goto(asking());
      await signIn(page, 'viewer@acme.test', 'wrong');
    },
  ],
  [
    'sign-in after too many wrong passwords',
    'Too many attempts',
    async (page) => {
      await page.goto(asking());
      const csrf = await page.locator('form:has([name=email]) [name=csrf]').inputValue();
      const form = { csrf, email: 'nobody@acme.test', password: 'wrong' };
      for (let attempt = 0; attempt < 10; attempt++) {
        await page.request.post(`${page.url()}/sign-in`, { form });
      }
      await signIn(page, 'nobody@acme.test', 'wrong');
    },
  ],
  [
    'consent for acme-web',
    'would like to act for you',
    (page) => consent(page, { scope: 'api flows:edit mcp' }),
  ],
  [
    'consent for an MCP server',
    'This is where it wants to connect',
    (page) => consent(page, { ...localTool, resource: mcpServer('/mcp/atlas') }),
  ],
  ['consent by a tool that nobody verified', 'assistant.example', (page) => consent(page, remoteTool)],
  [
    'consent for everything, by an owner',
    'At worst:',
    (page) =>
      consent(page, { scope: 'api apps:admin flows:edit secrets:edit endpoints:access' }, 'owner@acme.test'),
  ],
  [
    'consent of somebody who holds little of what is asked',
    'not yours to hand over',
    (page) =>
      consent(
        page,
        { scope: 'api apps:admin secrets:edit', resource: mcpServer('/mcp/borealis') },
        'viewer@acme.test',
      ),
  ],
  [
    'consent of somebody who authorized it before',
    'As last time',
    async (page) => {
      await consent(page, { scope: 'api flows:edit' });
      await tick(page, 'atlas', 'mcp', 'atlas-flows');
      await page.getByRole('radio', { name: '90 days' }).check();
      await returnBy(page, 'Authorize', web.redirectUri);
      await page.goto(asking({ scope: 'api' }));
    },
  ],
  [
    'consent with nothing chosen',
    'Nothing was authorized, because',
    async (page) => {
      await consent(page, { scope: 'api' });
      for (const box of await page.getByRole('checkbox', { checked: true }).all()) await box.uncheck();
      await page.getByRole('button', { name: 'Authorize' }).click();
    },
  ],
  ['device entry', 'Enter the code', (page) => page.goto(`${mandate.issuer}/device`)],
  [
    'device entry with a wrong code',
    'There is no such code',
    async (page) => {
      await page.goto(`${mandate.issuer}/device`);
      await page.getByLabel('Code').fill('bcdf ghjk');
      await page.getByRole('button', { name: 'Continue' }).click();
    },
  ],
  ['device comparison', 'Is this the code?', compare],
  [
    'consent for a device',
    'Started on a device',
    async (page) => {
      await compare(page);
      await page.getByRole('button', { name: 'Continue' }).click();
      await signIn(page, 'editor@acme.test');
    },
  ],
  ['device done', 'Return to your terminal', (page) => decideOnDevice(page, 'Authorize')],
  ['device denied', 'You said no', (page) => decideOnDevice(page, 'Deny')],
  [
    'device cancelled',
    'The code was not accepted',
    async (page) => {
      await compare(page);
      await page.getByRole('button', { name: 'Cancel' }).click();
    },
  ],
  [
    'error of a request that no client makes',
    'invalid_client',
    (page) => page.goto(asking({ client_id: 'nobody' })),
  ],
  [
    'error of a form that was tampered with',
    'was not accepted',
    async (page) => {
      await page.goto(asking());
      await page
        .locator('form:has([name=email]) [name=csrf]')
        .evaluate((field) => field.setAttribute('value', 'forged'));
      await signIn(page, 'editor@acme.test');
    },
  ],
  [
    'error of a request that has ended',
    'has ended',
    (page) => page.goto(`${mandate.issuer}/interaction/gone`),
  ],
  [
    'error of a device that another browser connects',
    'has ended',
    (page) => page.goto(`${mandate.issuer}/device/gone`),
  ],
  [
    'error of an address that leads nowhere',
    'There is nothing here',
    (page) => page.goto(`${mandate.issuer}/nowhere`),
  ],
  ['sign-out', 'You are signed in as editor@acme.test', (page) => openSignedIn(page, '/session/end')],
  [
    'signed out',
    'You are signed out',
    async (page) => {
      await openSignedIn(page, '/session/end');
      await page.getByRole('button', { name: 'Sign out' }).click();
    },
  ],
];

test.each(routes)('%s', async (name, sign, visit) => {
  const { page, complaints, close } = await openPage([mandate.issuer, new URL(web.redirectUri).origin]);
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
      // Colours are all that a scheme changes.
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
  for (const link of await linksOf(page)) {
    const status = leadsTo.get(link) ?? (await fetch(link)).status;
    leadsTo.set(link, status);
    if (status >= 400) problems.push(`a link leads to ${link}: ${status}`);
  }
  expect([...problems, ...complaints()]).toEqual([]);
  await close();
});

/** Where links of ours lead that do not belong to one browser's interaction. */
async function linksOf(page: Page): Promise<string[]> {
  const hrefs = await page
    .locator('a[href]')
    .evaluateAll((links) => links.map((link) => (link as unknown as { href: string }).href));
  return [...new Set(hrefs)].filter(
    (href) => href.startsWith(mandate.issuer) && !href.includes('/interaction/') && !href.includes('#'),
  );
}
