/** A tool and a resource server as tests play them: plain requests, nothing hidden. */
import { createHash, randomBytes } from 'node:crypto';
import { createBrowserlessClient } from './http.ts';
import { demo } from './mandate.ts';

export interface TokenAnswer {
  readonly status: number;
  readonly body: Record<string, unknown> & {
    access_token?: string;
    refresh_token?: string;
    scope?: string;
    error?: string;
  };
}

/** A form's fields; as search parameters where a name comes more than once. */
type Fields = Record<string, string> | URLSearchParams;

/** Posts a form to a protocol endpoint. @param basic client id and secret for HTTP Basic */
export async function postForm(
  url: string,
  fields: Fields,
  basic?: { id: string; secret: string },
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(url, {
    method: 'POST',
    body: new URLSearchParams(fields),
    redirect: 'manual',
    headers: {
      ...(basic
        ? { Authorization: `Basic ${Buffer.from(`${basic.id}:${basic.secret}`).toString('base64')}` }
        : {}),
      ...headers,
    },
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Asks for a token. */
export async function askToken(
  issuer: string,
  fields: Fields,
  basic?: { id: string; secret: string },
  headers?: Record<string, string>,
): Promise<TokenAnswer> {
  const { status, text } = await postForm(`${issuer}/token`, fields, basic, headers);
  return { status, body: JSON.parse(text) as TokenAnswer['body'] };
}

/** Introspects as a resource server; the demo's API unless told otherwise. */
export async function introspect(
  issuer: string,
  token: string,
  caller: { id: string; secret: string } = demo.apiServer,
): Promise<Record<string, unknown> & { active: boolean }> {
  const { status, text } = await postForm(`${issuer}/introspect`, { token }, caller);
  if (status !== 200) throw new Error(`introspection answered ${status}: ${text}`);
  return JSON.parse(text) as Record<string, unknown> & { active: boolean };
}

/** A code verifier and its S256 challenge (RFC 7636 section 4). */
export function pkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** Signs in and consents without a browser's eyes, by the labels that a person reads. @returns where the tool is called back */
export async function authorize(
  issuer: string,
  request: Record<string, string>,
  person: {
    email: string;
    password?: string;
    answers: Record<string, boolean | string>;
    decision?: 'Authorize' | 'Deny';
  },
  client = createBrowserlessClient(issuer),
): Promise<URL> {
  let page = await client.get(`/authorize?${new URLSearchParams(request)}`, { follow: true });
  if (page.location === undefined && page.title.includes('Sign in')) {
    page = await client.submit(
      page,
      'Sign in',
      { Email: person.email, Password: person.password ?? demo.password },
      { follow: true },
    );
  }
  page = await client.submit(page, person.decision ?? 'Authorize', person.answers, { follow: true });
  if (page.location === undefined)
    throw new Error(`no redirect but ${page.status}: ${page.text.slice(0, 2_000)}`);
  return new URL(page.location);
}

/** The whole code flow as `acme-web`. */
export async function tokenByCode(
  issuer: string,
  person: Parameters<typeof authorize>[2],
  request: Record<string, string> = {},
  client = createBrowserlessClient(issuer),
): Promise<TokenAnswer['body'] & { code: string; verifier: string }> {
  const { verifier, challenge } = pkce();
  const back = await authorize(
    issuer,
    {
      client_id: demo.web.id,
      response_type: 'code',
      redirect_uri: demo.web.redirect,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      state: 'state',
      scope: 'api flows:edit',
      ...request,
    },
    person,
    client,
  );
  const code = back.searchParams.get('code') ?? '';
  const { status, body } = await askToken(
    issuer,
    { grant_type: 'authorization_code', code, redirect_uri: demo.web.redirect, code_verifier: verifier },
    demo.web,
  );
  if (status !== 200) throw new Error(`the code was refused: ${JSON.stringify(body)} ${back.href}`);
  return { ...body, code, verifier };
}
