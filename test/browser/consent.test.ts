/** The consent page under a person's hands: with its script, without it, and with the keyboard alone. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { closeBrowser } from '../support/browser.ts';
import { type CallbackListener, startCallbackListener } from '../support/callback-listener.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect } from '../support/oauth.ts';
import { askAsWeb, checkbox, openPage, returnBy, signIn, tick } from '../support/person.ts';

let mandate: TestMandate;
let web: CallbackListener;
beforeAll(async () => {
  web = await startCallbackListener();
  mandate = await startMandate({ platformOrigin: new URL(web.redirectUri).origin });
});
afterAll(async () => {
  await closeBrowser();
  await mandate.stop();
  await web.stop();
});

const origins = () => [mandate.issuer, new URL(web.redirectUri).origin];
const asked = (scope: string) => askAsWeb(mandate.issuer, { redirect_uri: web.redirectUri, scope });
const summaryOf = async (page: Page) => (await page.locator('#summary').textContent()) ?? '';

async function redeem(back: URL, verifier: string): Promise<Record<string, unknown>> {
  const { body } = await askToken(
    mandate.issuer,
    {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      redirect_uri: web.redirectUri,
      code_verifier: verifier,
    },
    demo.web,
  );
  return introspect(mandate.issuer, body.access_token ?? '');
}

describe('the script of the consent page', () => {
  let page: Page;
  let complaints: () => readonly string[];
  beforeEach(async () => {
    ({ page, complaints } = await openPage(origins()));
    await page.goto(asked('api flows:edit').address);
    await signIn(page, 'owner@acme.test');
  });

  test('keeps the summary in step with capabilities, projects, roles, servers and the lifetime', async () => {
    expect(await summaryOf(page)).toContain('use the platform API and edit flows in no project, until');
    await tick(page, 'atlas', 'borealis');
    expect(await summaryOf(page)).toContain('edit flows in 2 projects');
    await page.getByLabel('Role in borealis').selectOption('Viewer');
    expect(await summaryOf(page)).toContain('edit flows in 1 project,');
    await tick(page, 'mcp', 'atlas-flows');
    expect(await summaryOf(page)).toContain('edit flows in 1 project and call 1 MCP server');
    await page.getByRole('radio', { name: '1 hour' }).check();
    expect(await summaryOf(page)).toContain(', for 1 hour.');
    await checkbox(page, 'api').uncheck();
    await checkbox(page, 'mcp').uncheck();
    await checkbox(page, 'flows:edit').uncheck();
    expect(await summaryOf(page)).toContain('Nothing is picked yet');
    expect(complaints()).toEqual([]);
  });

  test('picks the project whose role is chosen', async () => {
    await page.getByLabel('Role in cygnus').selectOption('Editor');
    expect(await checkbox(page, 'cygnus').isChecked()).toBe(true);
  });

  test('finds projects by what is typed, and selects only those that are shown', async () => {
    const projects = page.getByRole('group', { name: 'Projects' });
    await projects.getByLabel('Search projects').fill('  ATL ');
    expect(await projects.getByRole('checkbox').count()).toBe(1);
    await projects.getByRole('button', { name: 'Select all shown' }).click();
    await projects.getByLabel('Search projects').fill('nothing like it');
    expect(await projects.getByText('No project matches.').isVisible()).toBe(true);
    await projects.getByLabel('Search projects').fill('');
    expect(await projects.getByRole('checkbox', { checked: true }).count()).toBe(1);
    expect(await checkbox(page, 'atlas').isChecked()).toBe(true);
    expect(await summaryOf(page)).toContain('edit flows in 1 project');
  });

  test('does not take Enter in a field for consent', async () => {
    await page.getByLabel('Search projects').press('Enter');
    await checkbox(page, 'atlas').press('Enter');
    expect(page.url()).toContain('/interaction/');
  });

  test('says that the tool may stop working when what it asked for is unticked', async () => {
    const warning = page.getByText('It asked for this. Without it, it may stop working.');
    const visible = async () => {
      const all = await Promise.all((await warning.all()).map((one) => one.isVisible()));
      return all.filter(Boolean).length;
    };
    expect(await visible()).toBe(0);
    await checkbox(page, 'flows:edit').uncheck();
    expect(await visible()).toBe(1);
  });

  test('leaves the summary and both buttons in sight, wherever the page is scrolled to', async () => {
    for (const viewport of [
      { width: 320, height: 640 },
      { width: 1440, height: 900 },
    ]) {
      await page.setViewportSize(viewport);
      for (const place of ['#capabilities', '#how-long']) {
        await page.locator(place).scrollIntoViewIfNeeded();
        for (const name of ['Authorize', 'Deny']) {
          const box = await page.getByRole('button', { name, exact: true }).boundingBox();
          expect(box && box.y >= 0 && box.y + box.height <= viewport.height).toBe(true);
        }
      }
    }
    const [authorize, deny] = await Promise.all(
      ['Authorize', 'Deny'].map((name) => page.getByRole('button', { name, exact: true }).boundingBox()),
    );
    expect([authorize?.width, authorize?.height]).toEqual([deny?.width, deny?.height]);
  });
});

test('the presets start from what was asked, from what only reads, and from a page with nothing folded', async () => {
  const { page, complaints } = await openPage(origins());
  await page.goto(asked('api apps:view flows:edit').address);
  await signIn(page, 'editor@acme.test');
  const ticked = () =>
    page
      .getByRole('group', { name: 'What it may do' })
      .getByRole('checkbox', { checked: true })
      .evaluateAll((boxes) => boxes.map((box) => box.getAttribute('value')));
  const current = () => page.locator('[aria-current=true]').textContent();
  expect([await current(), await ticked()]).toEqual([
    'What it asked for',
    ['api', 'apps:view', 'flows:edit'],
  ]);
  await page.getByRole('link', { name: 'Read only' }).click();
  expect([await current(), await ticked()]).toEqual(['Read only', ['api', 'apps:view']]);
  await page.getByRole('link', { name: 'Custom' }).click();
  expect(await current()).toBe('Custom');
  await page.getByRole('link', { name: 'What it asked for' }).click();
  expect(await ticked()).toEqual(['api', 'apps:view', 'flows:edit']);
  expect(complaints()).toEqual([]);
});

test('somebody who authorized this tool before finds the last choice', async () => {
  const { page } = await openPage(origins());
  await page.goto(asked('api flows:edit').address);
  await signIn(page, 'editor@acme.test');
  await tick(page, 'borealis', 'mcp', 'borealis-reports');
  await page.getByRole('radio', { name: '90 days' }).check();
  await returnBy(page, 'Authorize', web.redirectUri);
  await page.goto(asked('api').address);
  const names = await page
    .getByRole('checkbox', { checked: true })
    .evaluateAll((boxes) => boxes.map((box) => box.getAttribute('name')));
  expect(names).toEqual(['capability', 'capability', 'capability', 'project', 'mcp_server']);
  expect(await checkbox(page, 'borealis').isChecked()).toBe(true);
  expect(await page.getByRole('radio', { name: '90 days' }).isChecked()).toBe(true);
});

test('a page that comes back with nothing chosen keeps the choice and promises no last time', async () => {
  const { page } = await openPage(origins());
  await page.goto(asked('api').address);
  await signIn(page, 'viewer@acme.test');
  await checkbox(page, 'api').uncheck();
  await page.getByRole('radio', { name: '1 day' }).check();
  await page.getByRole('button', { name: 'Authorize' }).click();
  await page.getByText('Nothing was authorized, because').waitFor();
  expect(await page.getByRole('checkbox', { checked: true }).count()).toBe(0);
  expect(await page.getByRole('radio', { name: '1 day' }).isChecked()).toBe(true);
  expect(await page.locator('[aria-current=true]').textContent()).toBe('Custom');
  expect(await page.getByText('As last time').count()).toBe(0);
});

test('the page does all of it without scripts', async () => {
  const { page, complaints } = await openPage(origins(), { javaScriptEnabled: false });
  const { address, verifier } = asked('api flows:edit');
  await page.goto(address);
  await signIn(page, 'editor@acme.test');
  expect(await page.getByLabel('Search projects').isVisible()).toBe(false);
  await tick(page, 'atlas');
  await page.getByLabel('Role in atlas').selectOption('Editor');
  const back = await returnBy(page, 'Authorize', web.redirectUri);
  expect(await redeem(back, verifier)).toMatchObject({ active: true, scope: 'api flows:edit' });
  expect(complaints()).toEqual([]);
});

test('a keyboard is enough from the sign-in to the end', async () => {
  const { page } = await openPage(origins());
  const { address, verifier } = asked('api flows:edit');
  await page.goto(address);
  // Nobody types before the cursor stands there.
  await page.locator('#email:focus').waitFor();
  await page.keyboard.type('editor@acme.test');
  await page.keyboard.press('Tab');
  await page.keyboard.type(demo.password);
  await page.keyboard.press('Enter');
  await page.getByText('would like to act for you').waitFor();

  /** Presses Tab until the focus is on an element of that name, and sees it. */
  const reach = async (name: RegExp) => {
    for (let presses = 0; presses < 60; presses++) {
      await page.keyboard.press('Tab');
      const focused = page.locator(':focus');
      const snapshot = await focused.ariaSnapshot();
      if (!name.test(snapshot)) continue;
      expect(await focused.evaluate((element) => getComputedStyle(element).outlineStyle)).not.toBe('none');
      return;
    }
    throw new Error(`Tab never reaches ${name}`);
  };
  await reach(/checkbox "atlas"/);
  await page.keyboard.press('Space');
  await reach(/combobox "Role in atlas"/);
  await reach(/button "Authorize"/);
  const back = page.waitForURL(`${web.redirectUri}**`);
  await page.keyboard.press('Enter');
  await back;
  expect(await redeem(new URL(page.url()), verifier)).toMatchObject({
    active: true,
    scope: 'api flows:edit',
  });
});

test('German is spoken where it is preferred, and fits a narrow window', async () => {
  const { page, complaints } = await openPage(origins(), {
    locale: 'de-DE',
    viewport: { width: 320, height: 640 },
  });
  await page.goto(asked('api flows:edit mcp').address);
  await page.getByLabel('E-Mail').fill('editor@acme.test');
  await page.getByLabel('Passwort').fill(demo.password);
  await page.getByRole('button', { name: 'Anmelden' }).click();
  await tick(page, 'atlas');
  expect(await summaryOf(page)).toMatch(
    /^Acme Web darf bis zum .+ die Plattform-API benutzen, in 1 Projekt Flows bearbeiten und keinen MCP-Server aufrufen\./,
  );
  for (const path of ['', '/device', '/nowhere', '/session/end']) {
    if (path !== '') await page.goto(mandate.issuer + path);
    expect(await page.locator('html').getAttribute('lang')).toBe('de');
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    );
  }
  expect(complaints()).toEqual([]);
});
