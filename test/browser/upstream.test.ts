/** Through another provider and back, in a real browser: the page's policy lets it go, and every page on the way is for everyone. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { axeViolations, closeBrowser } from '../support/browser.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { openPage, signIn } from '../support/person.ts';
import { type LyingProvider, providerAt, startLyingProvider } from '../support/upstream.ts';

/** A folder to keep pictures in, for whoever wants to look: `PICTURES=folder npm test -- test/browser/upstream`. */
const pictures = process.env.PICTURES;

let above: LyingProvider;
let mandate: TestMandate;
beforeAll(async () => {
  if (pictures !== undefined) mkdirSync(pictures, { recursive: true });
  // At another host, so that its cookies are not ours: a browser keeps them for all ports of one.
  above = await startLyingProvider({ now: () => mandate.clock.now() });
  mandate = await startMandate({ upstreamProviders: [providerAt(above.issuer)] });
});
afterAll(async () => {
  await closeBrowser();
  await mandate.stop();
  await above.stop();
});

async function look(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [320, 1280]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      const at = `${name} ${colorScheme} ${width}`;
      expect({ at, violations: await axeViolations(page) }).toEqual({ at, violations: [] });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect({ at, wide }).toEqual({ at, wide: 0 });
      if (pictures !== undefined) {
        await page.screenshot({ path: join(pictures, `${at.replaceAll(' ', '-')}.png`), fullPage: true });
      }
    }
  }
}

test.each([true, false])('goes there and back by its button (JavaScript: %s)', async (javaScriptEnabled) => {
  const person = await openPage([mandate.issuer, above.issuer], { javaScriptEnabled });
  const { page } = person;
  await page.goto(`${mandate.issuer}/account/security`);
  if (javaScriptEnabled) {
    await look(page, 'sign-in');
    await page.getByRole('button', { name: 'Continue with Acme' }).click();
    await page.getByText('No account here is linked').waitFor();
    await look(page, 'sign-in-unknown');
  }
  await signIn(page, 'editor@acme.test');
  await page.getByRole('button', { name: 'Link an account at Acme' }).click();
  await page.getByText('Linked. You can sign in').waitFor();
  if (javaScriptEnabled) await look(page, 'security');
  await page.context().clearCookies();
  await page.goto(`${mandate.issuer}/account/security`);
  await page.getByRole('button', { name: 'Continue with Acme' }).click();
  await page.getByText('through Acme').first().waitFor();
  expect(page.url()).toBe(`${mandate.issuer}/account/security`);
  expect(person.complaints()).toEqual([]);
  await person.close();
});
