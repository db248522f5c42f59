/**
 * Speaks to upstream providers. Owns discovery, the address that a browser is sent to, and whether what comes back holds: state,
 * `iss`, PKCE, the ID token's signature, audience, nonce and times. Does not own what the identity opens here.
 */
import type { Configuration, UserInfoResponse } from 'openid-client';
import type { Clock } from '../clock.ts';
import { boundedFetch } from './bounded-fetch.ts';
import type { UpstreamIdentity, UpstreamProvider } from './upstream-provider.ts';

/** What is asked of a provider. */
export interface UpstreamAsk {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** The person is to prove who they are, however recently they did. */
  readonly again: boolean;
}

export type UpstreamAnswer =
  | { readonly outcome: 'proven'; readonly identity: UpstreamIdentity }
  | { readonly outcome: 'cancelled' }
  | { readonly outcome: 'down'; readonly cause: unknown }
  | { readonly outcome: 'refused'; readonly cause: unknown };

export interface UpstreamClient {
  /** @returns undefined when the provider does not answer, or not as one */
  addressOf(provider: UpstreamProvider, ask: UpstreamAsk): Promise<string | undefined>;
  /** Redeems an answer. @param query what the provider sent the browser back with */
  redeem(
    provider: UpstreamProvider,
    query: string,
    asked: Omit<UpstreamAsk, 'again'>,
  ): Promise<UpstreamAnswer>;
}

/** For each request that we make. */
const timeoutSeconds = 4;
/** What a provider says of itself is asked for again after this. */
const metadataSeconds = 3_600;
/** Between its clock and ours. */
const toleranceSeconds = 30;
/** Somebody who signed in there longer ago is asked to do it again; it also makes a provider tell when that was. */
const longestAgoSeconds = 12 * 3_600;

/** Loaded when somebody signs in through a provider: a server that only answers tools does without its memory. */
const library = () => import('openid-client');

export function createUpstreamClient({
  clock,
  onTrouble,
}: {
  clock: Clock;
  /** Told what is wrong with a provider, for the log. */
  onTrouble(provider: string, cause: unknown): void;
}): UpstreamClient {
  const known = new Map<string, { at: number; config: Promise<Configuration> }>();

  async function configurationOf(provider: UpstreamProvider): Promise<Configuration> {
    const before = known.get(provider.name);
    if (before && clock.now() - before.at < metadataSeconds) return before.config;
    const config = discover(provider);
    known.set(provider.name, { at: clock.now(), config });
    try {
      return await config;
    } catch (error) {
      // Nothing is remembered of a failure: whoever comes next asks again.
      if (known.get(provider.name)?.config === config) known.delete(provider.name);
      throw error;
    }
  }

  return {
    async addressOf(provider, ask) {
      try {
        const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await library();
        const config = await configurationOf(provider);
        const address = buildAuthorizationUrl(config, {
          redirect_uri: ask.redirectUri,
          scope: provider.scopes.join(' '),
          state: ask.state,
          nonce: ask.nonce,
          code_challenge: await calculatePKCECodeChallenge(ask.verifier),
          code_challenge_method: 'S256',
          ...(ask.again ? { prompt: 'login', max_age: '0' } : { max_age: String(longestAgoSeconds) }),
        });
        if (!/^https?:$/.test(address.protocol)) throw new Error('authorization_endpoint is no web address');
        return address.href;
      } catch (error) {
        onTrouble(provider.name, error);
        return undefined;
      }
    },

    async redeem(provider, query, asked) {
      const { authorizationCodeGrant, fetchUserInfo } = await library();
      try {
        const config = await configurationOf(provider);
        const tokens = await authorizationCodeGrant(config, new URL(`${asked.redirectUri}?${query}`), {
          expectedState: asked.state,
          expectedNonce: asked.nonce,
          pkceCodeVerifier: asked.verifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (!claims) throw new Error('no ID token came');
        // Many providers tell the address at UserInfo alone (OpenID Connect Core section 5.4).
        const asks = claims.email === undefined && config.serverMetadata().userinfo_endpoint !== undefined;
        const more = asks ? await fetchUserInfo(config, tokens.access_token, claims.sub) : {};
        return { outcome: 'proven', identity: identityOf({ ...more, ...claims }) };
      } catch (error) {
        const outcome = await judged(error);
        if (outcome !== 'cancelled') onTrouble(provider.name, error);
        return outcome === 'cancelled' ? { outcome } : { outcome, cause: error };
      }
    },
  };
}

async function discover(provider: UpstreamProvider): Promise<Configuration> {
  const { allowInsecureRequests, clockTolerance, customFetch, discovery, enableNonRepudiationChecks } =
    await library();
  const server = new URL(provider.issuer);
  return discovery(
    server,
    provider.clientId,
    { client_secret: provider.clientSecret, [clockTolerance]: toleranceSeconds },
    undefined,
    {
      timeout: timeoutSeconds,
      [customFetch]: boundedFetch,
      // The ID token's signature is verified although TLS would do (OpenID Connect Core section 3.1.3.7).
      execute: [enableNonRepudiationChecks, ...(server.protocol === 'http:' ? [allowInsecureRequests] : [])],
    },
  );
}

/** Tells a person who changed their mind from a provider that does not work, and both from an answer that does not hold. */
async function judged(error: unknown): Promise<'cancelled' | 'down' | 'refused'> {
  const { AuthorizationResponseError, ClientError, ResponseBodyError } = await library();
  if (error instanceof AuthorizationResponseError) {
    if (error.error === 'access_denied') return 'cancelled';
    return ['server_error', 'temporarily_unavailable'].includes(error.error) ? 'down' : 'refused';
  }
  if (error instanceof ResponseBodyError) return error.status >= 500 ? 'down' : 'refused';
  if (error instanceof ClientError) {
    const { code, cause } = error;
    if (code === 'OAUTH_TIMEOUT' || code === 'OAUTH_RESPONSE_IS_NOT_CONFORM') return 'down';
    return cause instanceof TypeError ? 'down' : 'refused';
  }
  // What `fetch` throws when nobody answers.
  return error instanceof TypeError && !('code' in error) ? 'down' : 'refused';
}

type Claims = { readonly iss?: unknown; readonly sub: string } & Partial<UserInfoResponse> &
  Readonly<Record<string, unknown>>;

function identityOf(claims: Claims): UpstreamIdentity {
  const { auth_time: authenticatedAt, amr } = claims;
  const [issuer, subject] = [textOf(claims.iss, 2_048), textOf(claims.sub, 255)];
  // OpenID Connect Core section 2: at most 255 characters, and never another writing of the same.
  if (issuer === undefined || subject !== claims.sub) throw new Error('the subject is none');
  return {
    issuer,
    subject,
    email: addressOf(claims.email),
    // Some providers write the flag as text.
    emailVerified: claims.email_verified === true || String(claims.email_verified) === 'true',
    name: textOf(claims.name, 120),
    authenticatedAt: typeof authenticatedAt === 'number' ? Math.floor(authenticatedAt) : undefined,
    methods: Array.isArray(amr) ? amr.filter((one): one is string => typeof one === 'string') : [],
    contextClass: textOf(claims.acr, 200),
  };
}

/** An address as it is kept; one that would be folded into another address is none. */
function addressOf(value: unknown): string | undefined {
  const text = textOf(value, 254);
  return text !== undefined && /^[^\s@]+@[^\s@]+$/.test(text) && text.normalize('NFKC') === text
    ? text
    : undefined;
}

/** Text in PostgreSQL cannot hold the character NUL. */
function textOf(value: unknown, longest: number): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.replaceAll('\0', '').trim();
  return text === '' || text.length > longest ? undefined : text;
}
