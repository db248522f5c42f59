/**
 * Dynamic registration (RFC 7591): cleans what real clients send instead of refusing it, refuses what is dangerous, and
 * gives a public client an id that is the hash of what it registered, so that registering again is the same client. Pure but for
 * `createIdFactory`.
 */
import { createHash, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { isPublicAddress } from '../clients/metadata-document-address.ts';
import { authenticationChoice, settleChoices, signingChoices } from './metadata-choices.ts';

/** A registration that cannot be accepted, with the error code of RFC 7591 section 3.2.2. */
export type RegistrationRefusal = {
  readonly kind: 'refused';
  readonly error: 'invalid_redirect_uri' | 'invalid_client_metadata';
  readonly reason: string;
};

export type CleanedRegistration = { readonly kind: 'accepted'; readonly metadata: Record<string, unknown> };

const ownPrefix = 'dcr_';
const most = { redirectUris: 20, uriCharacters: 2_000, nameCharacters: 80 };
const grantTypes = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'];
const authenticationMethods = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'];
const copied = [
  'client_uri',
  'logo_uri',
  'policy_uri',
  'tos_uri',
  'jwks',
  'jwks_uri',
  'id_token_signed_response_alg',
];
/** What it wants to be held to: left out, somebody who is not it would be served (RFC 9449 section 5.2, RFC 9126 section 6). */
const demands = ['dpop_bound_access_tokens', 'require_pushed_authorization_requests'];
const assertionAlgorithms = ['ES256', 'RS256', 'PS256', 'EdDSA'];
/** Schemes that run or show something instead of handing over to an application. */
const dangerousSchemes = new Set(
  [
    'javascript',
    'data',
    'blob',
    'file',
    'about',
    'vbscript',
    'view-source',
    'jar',
    'ms-msdt',
    'mailto',
    'tel',
    'ws',
    'wss',
    'ftp',
  ].map((scheme) => `${scheme}:`),
);
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is being taken out
const invisible = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g;

/**
 * Cleans client metadata.
 * @param asked the request's JSON object
 * @returns metadata that the library accepts, or the refusal
 */
export function cleanRegistration(asked: Record<string, unknown>): CleanedRegistration | RegistrationRefusal {
  const body = settleChoices(asked, {
    ...signingChoices,
    ...authenticationChoice(authenticationMethods, asked),
  });
  const redirectUris = strings(body.redirect_uris);
  if (redirectUris.length === 0) return refuseRedirect('at least one redirect_uri is needed');
  if (redirectUris.length > most.redirectUris)
    return refuseRedirect(`at most ${most.redirectUris} redirect_uris`);
  for (const uri of redirectUris) {
    const problem = redirectProblem(uri);
    if (problem) return refuseRedirect(problem);
  }
  const name = typeof body.client_name === 'string' ? body.client_name.replace(invisible, '').trim() : '';
  if (name.length > most.nameCharacters) {
    return refuse('invalid_client_metadata', `client_name is longer than ${most.nameCharacters} characters`);
  }
  if (isInside(body.jwks_uri)) {
    return refuse('invalid_client_metadata', 'jwks_uri must be on the public internet');
  }
  const askedGrants = strings(body.grant_types).filter((grant) => grantTypes.includes(grant));
  const method = body.token_endpoint_auth_method;
  const metadata: Record<string, unknown> = {
    redirect_uris: redirectUris,
    response_types: ['code'],
    grant_types: [...new Set(['authorization_code', 'refresh_token', ...askedGrants])],
    token_endpoint_auth_method:
      typeof method === 'string' && authenticationMethods.includes(method) ? method : 'client_secret_basic',
    application_type: redirectUris.some(isNative) ? 'native' : 'web',
    ...(name === '' ? {} : { client_name: name }),
  };
  const afterSignOut = returnAddresses(
    body.post_logout_redirect_uris,
    metadata.application_type === 'native',
  );
  if (afterSignOut.length > 0) metadata.post_logout_redirect_uris = afterSignOut;
  for (const key of copied) {
    const value = body[key];
    if (value !== null && value !== undefined && value !== '') metadata[key] = value;
  }
  for (const demand of demands) if (body[demand] === true) metadata[demand] = true;
  const algorithm = body.token_endpoint_auth_signing_alg;
  if (method === 'private_key_jwt' && assertionAlgorithms.includes(String(algorithm))) {
    metadata.token_endpoint_auth_signing_alg = algorithm;
  }
  return { kind: 'accepted', metadata };
}

/**
 * Derives a public client's id from what it registered; the ports of loopback redirects do not count, because any port may be used
 * (RFC 8252 section 7.3).
 */
export function contentAddressedId(metadata: Record<string, unknown>): string {
  const entries = Object.entries(metadata)
    .map(
      ([name, value]) =>
        [name, name.endsWith('redirect_uris') ? portless(value as string[]) : value] as const,
    )
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `${ownPrefix}${createHash('sha256').update(JSON.stringify(entries)).digest('base64url').slice(0, 32)}`;
}

/** Creates the library's `idFactory`, which is also the first to see a registration and so the place to clean it. */
export function createIdFactory() {
  return (ctx: KoaContextWithOIDC): string => {
    const request = ctx.oidc as unknown as { body: Record<string, unknown> };
    const cleaned = cleanRegistration(request.body);
    if (cleaned.kind === 'refused') {
      throw cleaned.error === 'invalid_redirect_uri'
        ? new errors.InvalidRedirectUri(cleaned.reason)
        : new errors.InvalidClientMetadata(cleaned.reason);
    }
    request.body = cleaned.metadata;
    return cleaned.metadata.token_endpoint_auth_method === 'none'
      ? contentAddressedId(cleaned.metadata)
      : `${ownPrefix}${randomBytes(24).toString('base64url')}`;
  };
}

/** Tells by its id whether a client registered itself; an administrator's client has no such id. Pure. */
export function registeredItself(clientId: string): boolean {
  return clientId.startsWith(ownPrefix);
}

/** Makes a client secret. */
export function newClientSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Tells whether a registration gets a token to manage it: see `registration-management.ts`. */
export function isManageable(ctx: KoaContextWithOIDC): boolean {
  const { body } = ctx.oidc as unknown as { body: Record<string, unknown> };
  return body.token_endpoint_auth_method !== 'none';
}

function redirectProblem(uri: string): string | undefined {
  const url = URL.parse(uri);
  if (!url) return 'redirect_uris must be absolute URIs';
  if (uri.length > most.uriCharacters)
    return `redirect_uris must be at most ${most.uriCharacters} characters`;
  if (uri.includes('#') || uri.includes('*')) return 'redirect_uris must have no fragment and no wildcard';
  if (url.username || url.password || /[\s\\]/.test(uri))
    return 'redirect_uris must have no user information or blanks';
  if (dangerousSchemes.has(url.protocol)) return `redirect_uris must not use ${url.protocol}`;
  if (url.protocol === 'http:' && !isLoopback(url))
    return 'http redirect_uris must be on the loopback interface';
  return undefined;
}

/** Tells whether an address names a host that is never connected to; what its name leads to shows when its keys are asked for. */
function isInside(address: unknown): boolean {
  const host = (typeof address === 'string' && URL.parse(address)?.hostname.replace(/^\[|\]$/g, '')) || '';
  return isIP(host) === 0 ? /(?:^|\.)localhost\.?$/.test(host) : !isPublicAddress(host);
}

/** What may be of where a client wants people after they signed out (OpenID Connect RP-Initiated Logout section 2.1). */
function returnAddresses(asked: unknown, native: boolean): string[] {
  const possible = strings(asked).filter((uri) => {
    if (redirectProblem(uri) !== undefined) return false;
    const url = new URL(uri);
    return url.protocol === 'https:' ? !native || !isLoopback(url) : native || url.protocol === 'http:';
  });
  return [...new Set(possible)].slice(0, most.redirectUris);
}

function isLoopback(url: URL): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
}

function isNative(uri: string): boolean {
  const url = new URL(uri);
  return url.protocol !== 'https:';
}

function portless(uris: readonly string[]): string[] {
  return uris.map(withoutLoopbackPort).sort();
}

/**
 * Tells redirects apart as the library does, letter by letter but for that port: whoever registers another spelling first would be the
 * client that the tool gets, and its own spelling would be none of that client's.
 */
function withoutLoopbackPort(uri: string): string {
  const url = new URL(uri);
  if (url.protocol !== 'http:' || !isLoopback(url)) return uri;
  return uri.replace(/^([^/]+\/\/(?:\[[^\]]*\]|[^:/?#]*)):\d*(?=[/?#]|$)/, '$1');
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string' && item !== '') : [];
}

function refuseRedirect(reason: string): RegistrationRefusal {
  return refuse('invalid_redirect_uri', reason);
}

function refuse(error: RegistrationRefusal['error'], reason: string): RegistrationRefusal {
  return { kind: 'refused', error, reason };
}
