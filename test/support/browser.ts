import axeCore from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findChromium } from './chromium-program.ts';

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const wcagTags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'];

let browser: Promise<Browser> | undefined;

/** Opens the test file's Chromium; later calls give the same one. A story takes a context of its own from it. */
export function openBrowser(): Promise<Browser> {
  browser ??= launch();
  return browser;
}

/** Closes the test file's Chromium, if one is open. For `afterAll`. */
export async function closeBrowser(): Promise<void> {
  const open = browser;
  browser = undefined;
  await (await open)?.close();
}

async function launch(): Promise<Browser> {
  const { path, environment } = await findChromium();
  return await chromium.launch({
    executablePath: path,
    args: flags,
    env: { ...process.env, ...environment },
  });
}

/**
 * Checks the open page against WCAG 2.0, 2.1 and 2.2, levels A and AA, also where the page's policy allows no foreign script.
 *
 * @param rules only these rules of axe, where the others have been checked already
 * @returns one sentence for each violation: rule, what it asks, and the elements that break it
 */
export async function axeViolations(page: Page, rules?: string[]): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axeCore.source);
  const { violations } = await page.evaluate(
    ({ type, values }) =>
      // target-size (WCAG 2.2, 2.5.8) is off by default.
      globalThis.axe.run(document, {
        runOnly: { type, values },
        rules: { 'target-size': { enabled: type === 'tag' } },
      }),
    rules ? { type: 'rule' as const, values: rules } : { type: 'tag' as const, values: wcagTags },
  );
  return violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
  );
}

declare global {
  // What the evaluated source puts into the page.
  var axe: typeof import('axe-core');
}
