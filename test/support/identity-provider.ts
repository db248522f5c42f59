/**
 * An organization's identity provider as tests need it: people sign in elsewhere, a client has their ID token, and exchanges it for an
 * identity assertion (ID-JAG) by RFC 8693. It says what a test wants it to say, true or not.
 * @see draft-ietf-oauth-identity-assertion-authz-grant section 4.3
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { parseAssertionIssuers } from '../../src/assertion-settings.ts';
import { readCatalogue } from '../../src/catalogue.ts';
import { shippedFiles } from '../../src/shipped-files.ts';
import { demo, type MandateOptions } from './mandate.ts';

type Issuer = NonNullable<MandateOptions['assertionIssuers']>[number];

export const assertionGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const tokenType = 'urn:ietf:params:oauth:token-type:';

/** The tool, as the identity provider and as Mandate know it. */
export const assistant = {
  there: { id: 'assistant-at-idp', secret: 'assistant-secret-at-the-identity-provider' },
  here: { id: 'acme-assistant', secret: 'assistant-secret-for-tests-0123456789abcdef' },
} as const;

/** What a test settles about an issuer; everything else is the least that is useful. */
export function trustIn(issuer: string, settled: Partial<Issuer> = {}): Issuer {
  return {
    name: 'acme',
    label: 'Acme Login',
    issuer,
    keys: { kind: 'discovered' },
    clients: [assistant.here.id],
    emailDomains: [],
    capabilities: ['mcp', 'api', 'flows:edit'],
    resources: [demo.atlasFlows, demo.api],
    tokenSeconds: 3_600,
    ...settled,
  };
}

/** What an assertion says and how it is signed, where that is not what it should be; undefined leaves a claim out. */
export interface Minted {
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
  /** Signs with a key that is not published. */
  readonly foreignKey?: boolean;
  /** Signs with this shared secret. */
  readonly secret?: string;
}

export interface IdentityProvider {
  readonly issuer: string;
  /** For whom assertions are made: our issuer. */
  audience: string;
  /** What is done with those who ask for its keys. */
  state: 'well' | 'down' | 'broken';
  /** What it says of people beside their subject. */
  readonly people: Map<string, Record<string, unknown>>;
  /** Makes an assertion about its person `alice`, a minute long, for the assistant. */
  mint(minted?: Minted): Promise<string>;
  /** What a client has after somebody signed in. */
  idToken(subject: string): Promise<string>;
  /** From now on another key signs, and it alone is published. */
  rotate(): Promise<void>;
  stop(): Promise<void>;
}

/** @param clock integer seconds */
export async function startIdentityProvider(clock: { now(): number }): Promise<IdentityProvider> {
  const makeKey = async () => {
    const pair = await generateKeyPair('ES256');
    const kid = randomUUID();
    return { ...pair, kid, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256', use: 'sig' } };
  };
  const foreign = await makeKey();
  let own = await makeKey();

  const provider: IdentityProvider = {
    issuer: '',
    audience: '',
    state: 'well',
    people: new Map(),
    async mint({ claims, header, foreignKey = false, secret } = {}) {
      const { privateKey, kid } = foreignKey ? foreign : own;
      const said = {
        iss: provider.issuer,
        sub: 'alice',
        aud: provider.audience,
        client_id: assistant.here.id,
        jti: randomUUID(),
        iat: clock.now(),
        exp: clock.now() + 60,
        resource: demo.atlasFlows,
        scope: 'mcp',
        ...claims,
      };
      const alg = secret === undefined ? 'ES256' : 'HS256';
      return new SignJWT(JSON.parse(JSON.stringify(said)) as Record<string, unknown>)
        .setProtectedHeader({ alg, typ: 'oauth-id-jag+jwt', kid: foreignKey ? own.kid : kid, ...header })
        .sign(secret === undefined ? privateKey : new TextEncoder().encode(secret));
    },
    idToken: (subject) =>
      new SignJWT({ sub: subject, aud: assistant.there.id })
        .setProtectedHeader({ alg: 'ES256', kid: own.kid })
        .setIssuer(provider.issuer)
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(own.privateKey),
    async rotate() {
      own = await makeKey();
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function exchange(body: URLSearchParams): Promise<[number, object]> {
    const { there } = assistant;
    if (body.get('client_id') !== there.id || body.get('client_secret') !== there.secret) {
      return [401, { error: 'invalid_client' }];
    }
    if (body.get('requested_token_type') !== `${tokenType}id-jag`) return [400, { error: 'invalid_request' }];
    const { payload } = await jwtVerify(body.get('subject_token') ?? '', own.publicKey, {
      issuer: provider.issuer,
      audience: there.id,
    });
    const scope = body.get('scope') ?? undefined;
    const assertion = await provider.mint({
      claims: {
        ...provider.people.get(payload.sub ?? ''),
        sub: payload.sub,
        aud: body.get('audience'),
        resource: body.get('resource'),
        scope,
      },
    });
    const answer = { access_token: assertion, issued_token_type: `${tokenType}id-jag`, token_type: 'N_A' };
    return [200, { ...answer, expires_in: 60, ...(scope !== undefined && { scope }) }];
  }

  const server = createServer((request, response) => {
    const say = (status: number, body: object) =>
      void response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    if (provider.state === 'down') return void request.destroy();
    if (request.url === '/jwks') {
      return provider.state === 'broken' ? say(500, {}) : say(200, { keys: [own.jwk] });
    }
    if (request.url !== '/token') {
      const { issuer } = provider;
      return say(200, {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
        identity_chaining_requested_token_types_supported: [`${tokenType}id-jag`],
      });
    }
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      exchange(new URLSearchParams(text)).then(
        (answer) => say(...answer),
        () => say(400, { error: 'invalid_grant' }),
      );
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  Object.assign(provider, { issuer: `http://127.0.0.1:${(server.address() as { port: number }).port}` });
  return provider;
}

/** Reads issuers from the text of a settings file. */
export function issuersIn(text: string): Promise<Issuer[]> {
  const capabilities = readCatalogue(shippedFiles().capabilities).keys();
  return parseAssertionIssuers(text, { origin: 'file', production: false, issuer: '', capabilities });
}
