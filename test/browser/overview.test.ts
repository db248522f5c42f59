/** The overview as an operator meets it: light and dark, narrow and wide, busy and idle, checked with axe. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { axeViolations, closeBrowser, openBrowser } from '../support/browser.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { fillActivity } from '../support/sample-activity.ts';

let mandate: TestMandate;
beforeAll(async () => {
  mandate = await startMandate();
});
afterAll(async () => {
  await closeBrowser();
  await mandate.stop();
});

test.each([
  { state: 'idle', colorScheme: 'light', width: 1440 },
  { state: 'busy', colorScheme: 'light', width: 320 },
  { state: 'busy', colorScheme: 'dark', width: 320 },
  { state: 'busy', colorScheme: 'light', width: 1280 },
  { state: 'busy', colorScheme: 'dark', width: 1440 },
] as const)(
  'it is clean when $state, in $colorScheme at $width px',
  async ({ state, colorScheme, width }) => {
    const { store, clock, issuer } = mandate;
    await store.db.deleteFrom('activity').execute();
    if (state === 'busy') await fillActivity(store, clock.now());
    const browser = await openBrowser();
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    await page.goto(`${issuer}/admin`);
    await page.getByLabel('Email').fill('admin@acme.test');
    await page.getByLabel('Password').fill(demo.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    const folder = process.env.OVERVIEW_SCREENSHOTS;
    const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(await overflow()).toBeLessThanOrEqual(0);
    expect(await axeViolations(page)).toEqual([]);
    if (folder)
      await page.screenshot({ path: `${folder}/${state}-${colorScheme}-${width}.png`, fullPage: true });
    for (const summary of await page.locator('.plot summary').all()) await summary.click();
    expect(await overflow()).toBeLessThanOrEqual(0);
    expect(await axeViolations(page)).toEqual([]);
    const drawing = page.getByRole('img', { name: 'Introspections, Last 24 hours' });
    expect((await drawing.locator('rect').count()) > 0).toBe(state === 'busy');
    expect(complaints).toEqual([]);
    await context.close();
  },
  60_000,
);
