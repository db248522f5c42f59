/**
 * Shows the pages with sample models, in light and dark, narrow and wide: screenshots and an axe report.
 * `node test/support/preview-pages.ts [folder] [name-part…]`; `PREVIEW_LOCALE=de` speaks German.
 */

import { once } from 'node:events';
import { mkdirSync, mkdtempSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Koa from 'koa';
import type { Locale } from '../../src/http/locale.ts';
import { axeViolations, closeBrowser, openBrowser } from './browser.ts';
import { assets, renderer, samplePages } from './sample-pages.ts';

const policy =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const [given, ...parts] = process.argv.slice(2);
const folder = given ?? mkdtempSync(join(tmpdir(), 'pages-'));
mkdirSync(folder, { recursive: true });
const locale = (process.env.PREVIEW_LOCALE ?? 'en') as Locale;
const samples = samplePages(locale).filter(
  ({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)),
);

const app = new Koa();
app.use(assets.middleware);
app.use((ctx) => {
  const sample = samples.find(({ name }) => ctx.path === `/${name}`);
  if (sample === undefined) return;
  ctx.set('Content-Security-Policy', policy);
  ctx.type = 'html';
  ctx.body = renderer.render(sample.template, sample.model, locale);
});
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const browser = await openBrowser();
const say = (line: string) => process.stdout.write(`${line}\n`);
for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [320, 1440]) {
    const context = await browser.newContext({
      colorScheme,
      viewport: { width, height: width === 320 ? 640 : 900 },
    });
    const page = await context.newPage();
    page.on('console', (message) => say(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => say(`page error: ${error.message}`));
    for (const { name } of samples) {
      const label = `${name}-${colorScheme}-${width}`;
      await page.goto(`${origin}/${name}`);
      await page.screenshot({ path: join(folder, `${label}.png`), fullPage: true });
      const said = await page.locator('#summary').allTextContents();
      const { summary } = samples.find((sample) => sample.name === name)!.model as {
        summary?: { text: string };
      };
      if (summary !== undefined && said[0] !== summary.text) say(`${label}: the script says ${said[0]}`);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (overflow > 0) say(`${label}: ${overflow} px wider than the window`);
      for (const violation of await axeViolations(page)) say(`${label}: ${violation}`);
    }
    await context.close();
  }
}
await closeBrowser();
server.close();
say(`${samples.length} pages in ${folder}`);
