/**
 * A good request to each form that a person finds from some pages on, as it stands there. Follows links and reads forms; knows no page.
 */
import type { Field, Form } from './html.ts';
import type { BrowserlessClient, Page } from './http.ts';
import type { PlainRequest } from './request-mutations.ts';

/** Pages looked at; those that differ only in an id are one. */
const mostPages = 150;
/** What would end the session that all of the rest is asked with comes last. */
const last = /sign-out|session|security|remove|delete|revoke|suspend/;

/** Finds the pages and forms that lead on from `from`. @param origin the server's */
export async function pageRequests(
  browser: BrowserlessClient,
  origin: string,
  from: readonly string[],
): Promise<PlainRequest[]> {
  const requests = new Map<string, PlainRequest>();
  const seen = new Set<string>();
  const waiting = [...from];
  while (waiting.length > 0 && seen.size < mostPages) {
    const path = waiting.shift() as string;
    if (seen.has(kindOf(path))) continue;
    seen.add(kindOf(path));
    const page = await browser.get(path, { follow: true });
    if (!page.headers.get('content-type')?.startsWith('text/html') || page.status >= 400) continue;
    add({ name: `GET ${kindOf(path)}`, ...askedFor(page), method: 'GET' });
    for (const form of page.forms) addForm(page, form);
    for (const { href } of page.links) {
      const url = new URL(href, page.url);
      if (url.origin === origin) waiting.push(url.pathname + url.search);
    }
  }
  const order = ({ method, path }: PlainRequest) => (method === 'GET' ? 0 : last.test(path) ? 2 : 1);
  return [...requests.values()].sort((a, b) => order(a) - order(b));

  function addForm(page: Page, form: Form): void {
    const action = new URL(form.action || page.url, page.url);
    const fields = Object.fromEntries(
      form.fields.filter(isSent).map((field) => [field.name, sentValue(field)]),
    );
    const sends = form.method === 'post' ? { form: fields } : { query: fields };
    const name = `${form.method.toUpperCase()} ${kindOf(action.pathname)} ${Object.keys(fields).sort().join(' ')}`;
    add({ name, ...askedFor(page, action), method: form.method.toUpperCase(), ...sends });
  }

  function askedFor(page: Page, url = new URL(page.url)) {
    const headers = { cookie: browser.cookieHeader(url.pathname), origin, 'sec-fetch-site': 'same-origin' };
    return { path: url.pathname, query: Object.fromEntries(url.searchParams), headers };
  }

  function add(request: PlainRequest): void {
    if (!requests.has(request.name)) requests.set(request.name, request);
  }
}

/** The path without its ids. */
const kindOf = (path: string) => path.replace(/\b[a-z]+_[0-9a-z]{20,}/g, ':id').replace(/\?.*/, '');

const isSent = ({ name, type, checked, disabled }: Field) =>
  name !== '' && !disabled && (!['checkbox', 'radio'].includes(type) || checked);
const sentValue = ({ type, value, options }: Field) =>
  type === 'select' ? value || (options[0]?.value ?? '') : value || 'a';
