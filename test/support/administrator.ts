/** Someone signed in who speaks to the administration's JSON API as a page's script would. */
import { createBrowserlessClient } from './http.ts';
import { demo } from './mandate.ts';

export interface ApiAnswer<Body = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
  readonly text: string;
}

export interface Administrator {
  readonly csrf: string;
  readonly cookie: string;
  /** @param path below `/api/v1` */
  call<Body = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<ApiAnswer<Body>>;
}

/** Signs in and takes the session's token. */
export async function signInToApi(issuer: string, email: string): Promise<Administrator> {
  const client = createBrowserlessClient(issuer);
  const page = await client.get('/sign-in');
  await client.submit(page, 'Sign in', { Email: email, Password: demo.password });
  const cookie = ['mandate_session', 'mandate_session.sig']
    .map((name) => `${name}=${client.cookie(name) ?? ''}`)
    .join('; ');
  const { body } = await callApi(issuer, 'GET', '/session', undefined, { cookie });
  const csrf = String(body.csrf_token);
  return {
    csrf,
    cookie,
    call: (method, path, content, headers = {}) =>
      callApi(issuer, method, path, content, {
        cookie,
        'x-csrf-token': csrf,
        origin: issuer,
        'sec-fetch-site': 'same-origin',
        ...headers,
      }),
  };
}

/** Calls the API with exactly these headers. */
export async function callApi<Body = Record<string, unknown>>(
  issuer: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<ApiAnswer<Body>> {
  const response = await fetch(`${issuer}/api/v1${path}`, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json') && !text.includes('\n{');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: (json && text !== '' ? JSON.parse(text) : {}) as Body,
  };
}
