/**
 * Other OpenID providers as tests need them: a second Mandate, which is a real one, and one that can be told to lie. Owns also the way
 * of a browser there and back.
 */
import { createServer, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { type BrowserlessClient, createBrowserlessClient, type Page } from './http.ts';
import { demo, type MandateOptions, type TestMandate } from './mandate.ts';

type Provider = NonNullable<MandateOptions['upstreamProviders']>[number];

export const upstreamSecret = 'upstream-secret-for-tests-0123456789abcdef';

/** What a test settles about a provider; everything else is as careful as it can be. */
export function providerAt(issuer: string, settled: Partial<Provider> = {}): Provider {
  return {
    name: 'acme',
    label: 'Acme',
    issuer,
    clientId: 'mandate-downstream',
    clientSecret: upstreamSecret,
    scopes: ['openid', 'email', 'profile'],
    newAccountsFrom: [],
    trustsEmail: false,
    trustsMultiFactor: false,
    multiFactorAcr: [],
    ...settled,
  };
}

/** Makes one Mandate known to another, as the client that it is there. */
export async function registerDownstream(
  upstream: TestMandate,
  downstream: string,
  ...names: readonly string[]
): Promise<void> {
  await upstream.stores.clients.saveRegistered(
    { id: 'system' },
    {
      id: 'mandate-downstream',
      metadata: {
        client_name: 'Downstream',
        redirect_uris: names.map((name) => `${downstream}/sign-in/upstream/${name}/callback`),
        grant_types: ['authorization_code'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
        scope: 'openid email profile',
      },
      secret: upstreamSecret,
    },
  );
}

/** Reads where a page that goes on by itself goes. */
export function leadsTo(page: Page): URL {
  const href = /^0; url=(.+)$/.exec(page.headers.get('refresh') ?? '')?.[1];
  if (href === undefined) throw new Error(`it goes nowhere: ${page.status} ${page.text}`);
  return new URL(href);
}

/** Signs a person in at a second Mandate. @returns the address that it sends the browser back to */
export async function signInAbove(
  address: URL,
  email: string,
  browser: BrowserlessClient = createBrowserlessClient(address.origin),
): Promise<string> {
  let page = await browser.get(address.href, { follow: true });
  if (page.title.includes('Sign in')) {
    page = await browser.submit(page, 'Sign in', { Email: email, Password: demo.password }, { follow: true });
  }
  if (page.location === undefined) page = await browser.submit(page, 'Authorize', {}, { follow: true });
  if (page.location === undefined) throw new Error(`it does not come back: ${page.status} ${page.text}`);
  return page.location;
}

/** What a provider that can lie says at its next answer. */
export interface Told {
  readonly claims?: JWTPayload;
  /** Signs with a key that it does not publish. */
  readonly foreignKey?: boolean;
  readonly status?: number;
}

export interface LyingProvider {
  readonly issuer: string;
  /** Makes the address that a browser comes back to from this request, with what is told of it. */
  answer(request: URL, told?: Told): string;
  /** From now on it takes connections and says nothing. */
  readonly hang: { now: boolean };
  /** From now on its token endpoint says far too much; how much of it was taken. */
  readonly flood: { now: boolean; bytes: number };
  /** What came to its token endpoint. */
  readonly redeemed: URLSearchParams[];
  stop(): Promise<void>;
}

/** Answers with 48 MB of a JSON text, as far as they are taken. */
function pour(response: ServerResponse, taken: { bytes: number }): void {
  const piece = Buffer.alloc(64 * 1_024, 'x');
  response.writeHead(200, { 'Content-Type': 'application/json' }).write('{"access_token":"');
  const next = (): void => {
    if (response.destroyed) return;
    if (taken.bytes >= 48 * 1_024 * 1_024) return void response.end('"}');
    taken.bytes += piece.length;
    response.write(piece, (error) => {
      if (!error) setImmediate(next);
    });
  };
  next();
}

/**
 * Starts a provider that answers whatever a test wants, and sends a browser that comes by itself back at once, as its one account.
 * @param clock integer seconds
 */
export async function startLyingProvider(clock: { now(): number }): Promise<LyingProvider> {
  const [own, foreign] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
  const jwk = { ...(await exportJWK(own.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
  const codes = new Map<string, { request: URL; told: Told }>();
  const redeemed: URLSearchParams[] = [];
  const hang = { now: false };
  const flood = { now: false, bytes: 0 };
  let issuer = '';

  async function tokens(body: URLSearchParams): Promise<[number, object]> {
    redeemed.push(body);
    const { request, told } = codes.get(body.get('code') ?? '') ?? {};
    if (!request || !told) return [400, { error: 'invalid_grant' }];
    const claims = {
      iss: issuer,
      sub: 'liar-1',
      aud: 'mandate-downstream',
      nonce: request.searchParams.get('nonce') ?? '',
      iat: clock.now(),
      exp: clock.now() + 300,
      auth_time: clock.now(),
      ...told.claims,
    };
    const idToken = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .sign((told.foreignKey ? foreign : own).privateKey);
    return [told.status ?? 200, { access_token: 'at', token_type: 'Bearer', id_token: idToken }];
  }

  function answer(request: URL, told: Told = {}): string {
    const code = `code-${codes.size}`;
    codes.set(code, { request, told });
    const back = new URL(request.searchParams.get('redirect_uri') ?? '');
    back.searchParams.set('code', code);
    back.searchParams.set('state', request.searchParams.get('state') ?? '');
    back.searchParams.set('iss', issuer);
    return back.href;
  }

  const server = createServer((request, response) => {
    if (hang.now) return;
    const say = (status: number, body: object) =>
      void response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    if (request.url?.startsWith('/authorize?')) {
      return void response.writeHead(303, { Location: answer(new URL(request.url, issuer)) }).end();
    }
    if (request.url === '/jwks') return say(200, { keys: [jwk] });
    if (request.url !== '/token') {
      return say(200, {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        id_token_signing_alg_values_supported: ['ES256'],
        authorization_response_iss_parameter_supported: true,
      });
    }
    if (flood.now) return pour(response, flood);
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => void tokens(new URLSearchParams(text)).then((answer) => say(...answer)));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as { port: number }).port}`;

  return {
    issuer,
    hang,
    flood,
    redeemed,
    answer,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
