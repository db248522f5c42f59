/**
 * The keys of issuers whose assertions are trusted. Owns where they are asked for (OpenID discovery, RFC 8414, an address, the settings);
 * what is kept of them, and that the last good ones stand in while a host is down, is `clients/key-set-source.ts`.
 *
 * These hosts were named by the operator, as upstream providers are: one on a private network is as good as any.
 */
import { compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose';
import type { Store } from '../../db/open.ts';
import { createKeySetSource } from '../clients/key-set-source.ts';
import type { Got } from '../clients/metadata-document-transport.ts';
import type { Clock } from '../clock.ts';
import { assertionAlgorithms } from './assertion-decision.ts';
import type { AssertionIssuer } from './assertion-issuer.ts';

export interface AssertionKeys {
  /** Finds out whether one of the issuer's keys signed an assertion. */
  signed(
    issuer: AssertionIssuer,
    assertion: string,
  ): Promise<'signed' | 'not_signed' | { readonly kind: 'unavailable'; readonly reason: string }>;
}

/** For each request that we make. */
const withinMilliseconds = 2_500;
const mostBytes = 64 * 1_024;

export function createAssertionKeys(deps: {
  store: Store;
  clock: Clock;
  assertionIssuers: readonly AssertionIssuer[];
}): AssertionKeys {
  const nameOf = ({ issuer }: AssertionIssuer) => `issuer:${issuer}`;
  const sets = createKeySetSource({
    ...deps,
    https: {
      async get(name) {
        const issuer = deps.assertionIssuers.find((one) => nameOf(one) === name);
        return issuer ? askForKeys(issuer) : { kind: 'refused', reason: 'it is not trusted' };
      },
    },
  });

  async function keysOf(issuer: AssertionIssuer): ReturnType<typeof sets.find> {
    if (issuer.keys.kind === 'fixed') return { kind: 'keys', jwks: JSON.stringify(issuer.keys.jwks) };
    return sets.find(nameOf(issuer));
  }

  return {
    async signed(issuer, assertion) {
      const found = await keysOf(issuer);
      if (found.kind === 'unavailable') return found;
      return (await isSigned(assertion, JSON.parse(found.jwks) as JSONWebKeySet)) ? 'signed' : 'not_signed';
    },
  };
}

/** Asks for an issuer's keys where it keeps them now, whatever was known before. */
export async function askForKeys({ issuer, keys }: AssertionIssuer): Promise<Got> {
  if (keys.kind === 'fixed') {
    return { kind: 'answer', status: 200, headers: {}, body: Buffer.from(JSON.stringify(keys.jwks)) };
  }
  const uri = keys.kind === 'address' ? keys.uri : await discover(issuer);
  return typeof uri === 'string' ? get(uri) : uri;
}

/** Tells whether a key of the set signed it; several may come into question where none is named. */
async function isSigned(assertion: string, jwks: JSONWebKeySet): Promise<boolean> {
  const options = { algorithms: assertionAlgorithms };
  try {
    await compactVerify(assertion, createLocalJWKSet(jwks), options);
    return true;
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) {
      for await (const key of error) {
        try {
          await compactVerify(assertion, key, options);
          return true;
        } catch (failed) {
          if (!(failed instanceof errors.JOSEError)) throw failed;
        }
      }
      return false;
    }
    if (error instanceof errors.JOSEError || error instanceof TypeError) return false;
    throw error;
  }
}

/** @returns the address of its keys, or what kept it from being known */
async function discover(issuer: string): Promise<string | Got> {
  const { origin, pathname, protocol } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const documents = [
    // OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ];
  let last: Got = { kind: 'unreachable', reason: 'it has no metadata' };
  for (const document of documents) {
    last = await get(document);
    if (last.kind !== 'answer' || last.status !== 200) continue;
    const metadata = parsed(last.body);
    // RFC 8414 section 3.3: whoever answers must be the issuer that was asked for.
    if (metadata.issuer !== issuer) return { kind: 'refused', reason: 'its metadata is of another issuer' };
    const address = typeof metadata.jwks_uri === 'string' ? URL.parse(metadata.jwks_uri) : null;
    if (address?.protocol === 'https:' || (address?.protocol === 'http:' && protocol === 'http:')) {
      return address.href;
    }
    return { kind: 'refused', reason: 'its metadata has no usable jwks_uri' };
  }
  return last.kind === 'answer' ? { kind: 'unreachable', reason: 'it has no metadata' } : last;
}

async function get(url: string): Promise<Got> {
  try {
    const response = await fetch(url, {
      headers: { Accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(withinMilliseconds),
    });
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > mostBytes)
        return { kind: 'refused', reason: `the answer is larger than ${mostBytes} bytes` };
      chunks.push(chunk);
    }
    return { kind: 'answer', status: response.status, headers: {}, body: Buffer.concat(chunks) };
  } catch {
    return { kind: 'unreachable', reason: `${new URL(url).host} could not be reached` };
  }
}

function parsed(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
