/** Single requests of a tool, for stories that are about one endpoint. */
import type { BrowserlessClient, Page } from './http.ts';
import { createBrowserlessClient } from './http.ts';
import { demo } from './mandate.ts';
import { askToken, pkce, type TokenAnswer } from './oauth.ts';

/** Registers a client as assistants do: public, one redirect, nothing else. @throws Error when refused */
export async function registerClient(
  issuer: string,
  redirectUri: string,
  more: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  const { status, body } = await register(issuer, {
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'none',
    ...more,
  });
  if (status !== 201) throw new Error(`the registration was refused: ${JSON.stringify(body)}`);
  return body;
}

/** Sends a registration (RFC 7591 section 3.1). */
export async function register(
  issuer: string,
  metadata: Record<string, unknown>,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${issuer}/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(metadata),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** A request of `mandate-cli`, a public client that listens on the loopback; fields given replace or add. */
export interface CodeFlow {
  readonly clientId?: string;
  readonly redirectUri?: string;
  /** Fields of the authorization request. */
  readonly request?: Record<string, string>;
  /** Fields of the token request. */
  readonly redeem?: Record<string, string>;
  readonly headers?: Record<string, string>;
  /** Who consents; `editor@acme.test` unless told otherwise. */
  readonly email?: string;
  /** Answers on the consent page, by label. */
  readonly answers?: Record<string, boolean | string>;
  /** The browser that consents: the same one is the same install. */
  readonly browser?: BrowserlessClient;
}

/** Goes through the code flow as a public client. The answer of the token endpoint is returned whatever it is. */
export async function codeFlow(issuer: string, flow: CodeFlow = {}): Promise<TokenAnswer & { back: URL }> {
  const clientId = flow.clientId ?? demo.cli.id;
  const redirectUri = flow.redirectUri ?? 'http://127.0.0.1:53124/callback';
  const { verifier, challenge } = pkce();
  const browser = flow.browser ?? createBrowserlessClient(issuer);
  const page = await openConsent(
    browser,
    {
      client_id: clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
      code_challenge: challenge,
      code_challenge_method: 'S256',
      state: 'state',
      ...flow.request,
    },
    flow.email,
  );
  const left = await browser.submit(page, 'Authorize', flow.answers ?? {}, { follow: true });
  const back = new URL(left.location ?? handOverOf(left) ?? 'about:blank');
  const answer = await askToken(
    issuer,
    {
      grant_type: 'authorization_code',
      client_id: clientId,
      code: back.searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: verifier,
      ...flow.redeem,
    },
    undefined,
    flow.headers,
  );
  return { ...answer, back };
}

/** Where the page leads that hands an answer over to a program (RFC 8252 section 7.1). */
export function handOverOf(page: Page): string | undefined {
  return page.links.find(({ label }) => label === 'Open the program')?.href;
}

/** Opens the consent page of an authorization request, signing in on the way where that is asked. */
export async function openConsent(
  browser: BrowserlessClient,
  request: Record<string, string>,
  email = 'editor@acme.test',
): Promise<Page> {
  const page = await browser.get(`/authorize?${new URLSearchParams(request)}`, { follow: true });
  return signInIfAsked(browser, page, email);
}

/** Signs in when the page is the one that asks for it. */
export async function signInIfAsked(
  browser: BrowserlessClient,
  page: Page,
  email = 'editor@acme.test',
): Promise<Page> {
  if (!page.title.startsWith('Sign in')) return page;
  return browser.submit(page, 'Sign in', { Email: email, Password: demo.password }, { follow: true });
}
