/**
 * A client that drives our pages over HTTP as a browser without scripts would: it keeps cookies, sends forms by their
 * labels, and follows redirects only when asked. Owns no knowledge of any page of ours.
 */
import { createCookieJar } from './cookie-jar.ts';
import { type Field, type Form, type HtmlPage, readHtml } from './html.ts';

/** A response, read whole. */
export interface Page extends HtmlPage {
  /** The address that answered. */
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** Where a redirect leads, absolute. */
  readonly location: string | undefined;
}

/** How one request differs from a plain one. */
export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Follows redirects as long as they stay on the client's origin; the first one that leaves it is the answer. */
  readonly follow?: boolean;
}

/** What is sent in a form: by name; a list sends the name several times. */
export type FormFields = Readonly<Record<string, string | readonly string[]>> | URLSearchParams;

/** What a person does to a form, by accessible name: text for a field or a menu, true or false for a checkbox or a choice. */
export type Answers = Readonly<Record<string, string | boolean>>;

/** A browser without scripts, for one origin. */
export interface BrowserlessClient {
  /** @param address a path, or an absolute URL; a foreign origin gets none of the cookies */
  get(address: string, options?: RequestOptions): Promise<Page>;
  postForm(address: string, fields: FormFields, options?: RequestOptions): Promise<Page>;
  /**
   * Fills in the form that has the button, and presses it. Answers that are left out stay as the page has them.
   *
   * @param button the button's accessible name
   * @param answers a key is the whole accessible name, or its beginning where that is not ambiguous
   * @throws Error when no form has the button or a named field, or the field is disabled
   */
  submit(page: Page, button: string, answers?: Answers, options?: RequestOptions): Promise<Page>;
  /** A cookie's value by name. */
  cookie(name: string): string | undefined;
  /** The `Cookie` header that it would send to a path. */
  cookieHeader(path: string): string;
  /** Forgets all cookies. */
  forget(): void;
}

const redirects = new Set([301, 302, 303, 307, 308]);
const mostRedirects = 10;

/**
 * Makes a client with an empty cookie jar.
 * @param origin e.g. `http://localhost:4000`
 * @param from the address that it comes from, where the server believes a proxy
 */
export function createBrowserlessClient(origin: string, from?: string): BrowserlessClient {
  const jar = createCookieJar();

  async function send(
    address: string,
    body: URLSearchParams | undefined,
    options: RequestOptions,
  ): Promise<Page> {
    const url = new URL(address, origin);
    const ours = url.origin === new URL(origin).origin;
    const cookies = ours ? jar.headerFor(url.pathname) : '';
    const response = await fetch(url, {
      method: body ? 'POST' : 'GET',
      redirect: 'manual',
      headers: {
        accept: 'text/html,application/json;q=0.9,*/*;q=0.8',
        ...(cookies && { cookie: cookies }),
        ...(from && ours && { 'x-forwarded-for': from }),
        ...(body && { origin, 'sec-fetch-site': 'same-origin' }),
        ...options.headers,
      },
      ...(body && { body }),
    });
    if (ours) jar.keep(response.headers, url.pathname);
    const text = await response.text();
    const location = response.headers.get('location');
    const html = response.headers.get('content-type')?.includes('html') ? text : '';
    return {
      ...readHtml(html),
      url: url.href,
      status: response.status,
      headers: response.headers,
      body: text,
      location: location === null ? undefined : new URL(location, url).href,
    };
  }

  async function request(
    address: string,
    body: URLSearchParams | undefined,
    options: RequestOptions,
  ): Promise<Page> {
    let page = await send(address, body, options);
    for (let hops = 0; options.follow && isRedirect(page) && staysAt(origin, page); hops++) {
      if (hops === mostRedirects)
        throw new Error(`more than ${mostRedirects} redirects, the last to ${page.location}`);
      const again = page.status === 307 || page.status === 308 ? body : undefined;
      page = await send(page.location ?? '', again, options);
    }
    return page;
  }

  return {
    get: (address, options = {}) => request(address, undefined, options),
    postForm: (address, fields, options = {}) => request(address, parameters(fields), options),
    submit: (page, button, answers = {}, options = {}) => {
      const { method, target, fields } = formOf(page, button, answers);
      if (method === 'post') return request(target.href, fields, options);
      target.search = fields.toString();
      return request(target.href, undefined, options);
    },
    cookie: jar.value,
    cookieHeader: jar.headerFor,
    forget: jar.clear,
  };
}

/** What `submit` would send: for tests that send it changed, twice, or to somewhere else. */
export function formOf(
  page: Page,
  button: string,
  answers: Answers = {},
): { method: 'get' | 'post'; target: URL; fields: URLSearchParams } {
  const form = page.forms.find(({ fields }) =>
    fields.some((field) => isButton(field) && field.label === button),
  );
  if (form === undefined) throw new Error(`no form with a button "${button}" on ${page.url}:\n${page.text}`);
  const { method } = form;
  return {
    method,
    target: new URL(form.action || page.url, page.url),
    fields: filledIn(form, button, answers),
  };
}

function isRedirect(page: Page): boolean {
  return redirects.has(page.status) && page.location !== undefined;
}

function staysAt(origin: string, page: Page): boolean {
  return page.location !== undefined && new URL(page.location).origin === new URL(origin).origin;
}

function parameters(fields: FormFields): URLSearchParams {
  if (fields instanceof URLSearchParams) return fields;
  const pairs = Object.entries(fields).flatMap(([name, values]) =>
    (typeof values === 'string' ? [values] : values).map((value) => [name, value]),
  );
  return new URLSearchParams(pairs);
}

function isButton({ type }: Field): boolean {
  return type === 'submit' || type === 'button' || type === 'reset' || type === 'image';
}

/** What a browser would send for the form after a person gave these answers and pressed this button. */
function filledIn(form: Form, button: string, answers: Answers): URLSearchParams {
  const given = new Map(
    Object.entries(answers).map(([label, answer]) => [fieldLabelled(form, label), answer] as const),
  );
  const pressed = form.fields.find((field) => isButton(field) && field.label === button);
  const chosenRadios = new Set(
    [...given].filter(([field]) => field.type === 'radio').map(([field]) => field.name),
  );
  const sent = new URLSearchParams();
  for (const field of form.fields) {
    const answer = given.get(field);
    if (field.name === '' || field.disabled || (isButton(field) && field !== pressed)) continue;
    if (field.type === 'checkbox' || field.type === 'radio') {
      const asTheyStand = field.type === 'radio' && chosenRadios.has(field.name) ? false : field.checked;
      if (answer ?? asTheyStand) sent.append(field.name, field.value);
    } else {
      sent.append(field.name, answer === undefined ? field.value : chosenValue(field, String(answer)));
    }
  }
  return sent;
}

function fieldLabelled(form: Form, label: string): Field {
  const fields = form.fields.filter((field) => !isButton(field));
  const exact = fields.filter((field) => field.label === label);
  const found = exact.length > 0 ? exact : fields.filter((field) => field.label.startsWith(label));
  const [field, ...others] = found;
  const known = () => fields.map((other) => `"${other.label}"`).join(', ');
  if (field === undefined) throw new Error(`no field labelled "${label}" among ${known()}`);
  if (others.length > 0) throw new Error(`several fields labelled "${label}" among ${known()}`);
  if (field.disabled) throw new Error(`the field "${label}" is disabled`);
  return field;
}

/** A menu is answered by what it shows or by the value behind it. */
function chosenValue(field: Field, answer: string): string {
  if (field.type !== 'select') return answer;
  const option = field.options.find(({ value, label }) => label === answer || value === answer);
  if (option) return option.value;
  throw new Error(
    `the menu "${field.label}" offers ${field.options.map(({ label }) => label).join(', ')}, not ${answer}`,
  );
}
