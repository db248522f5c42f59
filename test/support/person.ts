/**
 * A person in front of a real browser: a page that remembers what it should not have done, and the steps that stories share.
 * Owns no expectation; what a story finds wrong is for its test to say.
 */
import type { BrowserContextOptions, Page } from 'playwright-core';
import { openBrowser } from './browser.ts';
import { demo } from './mandate.ts';
import { pkce } from './oauth.ts';

/** A page of a browser context of its own. */
export interface PersonsPage {
  readonly page: Page;
  /** What went wrong unseen so far: errors of scripts, of the console, of the page's policy; dialogs; requests to elsewhere. */
  complaints(): readonly string[];
  close(): Promise<void>;
}

/**
 * Opens a page in a fresh context.
 * @param origins where its requests may go; a request to any other is a complaint
 */
export async function openPage(
  origins: readonly string[],
  options: BrowserContextOptions = {},
): Promise<PersonsPage> {
  const context = await (await openBrowser()).newContext({ reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  // The console repeats the status of a page that is an error itself.
  const refused = new Set<string>();
  context.on('response', (response) => {
    if (response.status() >= 400 && response.request().isNavigationRequest()) refused.add(response.url());
  });
  context.on('console', (message) => {
    const repeated =
      message.text().startsWith('Failed to load resource') && refused.has(message.location().url);
    if (['error', 'warning'].includes(message.type()) && !repeated) {
      complaints.push(`console: ${message.text()} (${message.location().url})`);
    }
  });
  context.on('weberror', (event) => complaints.push(`script: ${event.error().message}`));
  context.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  context.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== 'data:' && !origins.includes(origin)) complaints.push(`request: ${request.url()}`);
  });
  if (options.javaScriptEnabled !== false) {
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        reportError(new Error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
      });
    });
  }
  return { page, complaints: () => complaints, close: () => context.close() };
}

/** An authorization request, and what redeems its code. */
export interface AskedByTool {
  readonly address: string;
  readonly verifier: string;
}

/** Makes the authorization request of `acme-web`; fields given replace or add. */
export function askAsWeb(issuer: string, fields: Readonly<Record<string, string>> = {}): AskedByTool {
  const { verifier, challenge } = pkce();
  const request = {
    client_id: demo.web.id,
    response_type: 'code',
    redirect_uri: demo.web.redirect,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'state',
    ...fields,
  };
  return { address: `${issuer}/authorize?${new URLSearchParams(request)}`, verifier };
}

/** Fills in the sign-in page and sends it. */
export async function signIn(page: Page, email: string, password: string = demo.password): Promise<void> {
  await page.getByLabel('Email', { exact: true }).fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/**
 * Presses a button that sends the browser back to a tool.
 * @returns the address, whether or not anything answers there; where nothing does, the page is of no further use
 */
export async function returnBy(page: Page, button: string, redirectUri: string): Promise<URL> {
  const back = page.waitForRequest((request) => request.url().startsWith(redirectUri));
  await page.getByRole('button', { name: button, exact: true }).click({ noWaitAfter: true });
  const request = await back;
  if (await request.response()) await page.waitForURL(request.url());
  return new URL(request.url());
}

/** Ticks a capability, a project or a server by the beginning of its accessible name. */
export async function tick(page: Page, ...names: readonly string[]): Promise<void> {
  for (const name of names) await checkbox(page, name).check();
}

/** Finds a checkbox by the beginning of its accessible name. */
export function checkbox(page: Page, name: string) {
  const literal = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return page.getByRole('checkbox', { name: new RegExp(`^${literal}(?![\\w-])`) });
}
