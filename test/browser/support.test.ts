import { createServer } from 'node:http';
import { afterAll, describe, expect, test } from '@jest/globals';
import { axeViolations, closeBrowser, openBrowser } from '../support/browser.ts';

describe('the browser of the tests', () => {
  const server = createServer((request, response) => {
    const field =
      request.url === '/good' ? '<label>Email <input type="email"></label>' : '<input type="email">';
    response.setHeader('content-security-policy', "default-src 'none'; require-trusted-types-for 'script'");
    response.setHeader('content-type', 'text/html');
    response.end(
      `<!doctype html><html lang="en"><title>Sign in</title><main><h1>Sign in</h1>${field}</main></html>`,
    );
  });
  afterAll(async () => {
    await closeBrowser();
    server.close();
  });

  test('renders a page and takes a picture of it', async () => {
    const page = await (await openBrowser()).newPage();
    await page.goto('data:text/html,<title>Mandate</title><h1>Hello</h1>');
    expect(await page.getByRole('heading', { name: 'Hello' }).isVisible()).toBe(true);
    const picture = await page.screenshot();
    expect(picture.subarray(1, 4).toString()).toBe('PNG');
    // A page without fonts is a blank picture.
    await page.evaluate(() => document.querySelector('h1')?.remove());
    expect(picture.equals(await page.screenshot())).toBe(false);
    await page.close();
  });

  test('is one browser for the whole file', async () => {
    expect(await openBrowser()).toBe(await openBrowser());
  });

  test('finds what keeps people out, also under a strict content security policy', async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const page = await (await openBrowser()).newPage();
    await page.goto(`http://127.0.0.1:${port}/good`);
    expect(await axeViolations(page)).toEqual([]);
    await page.goto(`http://127.0.0.1:${port}/bad`);
    expect(await axeViolations(page)).toEqual([expect.stringMatching(/^label: /)]);
    await page.close();
  });
});
