/** The public keys with which a client shows who it is (RFC 7523 section 2.2). */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';

export type ReadKeys =
  | { readonly kind: 'keys'; readonly jwks: { readonly keys: readonly JWK[] } }
  | { readonly kind: 'refused'; readonly reason: string };

const mostKeys = 20;
const leastRsaBits = 2_048;
/** What only a private or a symmetric key has (RFC 7518 section 6). */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const curves = ['P-256', 'P-384', 'P-521', 'Ed25519'];

/**
 * Reads a JSON Web Key Set of public keys. Keys that nobody here can verify with are left out, as RFC 7517 section 5 asks; one that
 * is private is a mistake that its owner must hear of.
 */
export async function readPublicKeys(value: unknown): Promise<ReadKeys> {
  const given = isObject(value) ? value.keys : undefined;
  if (!Array.isArray(given)) return refuse('it is no JSON Web Key Set');
  if (given.length > mostKeys) return refuse(`it has more than ${mostKeys} keys`);
  const keys: JWK[] = [];
  for (const key of given as unknown[]) {
    if (!isObject(key)) return refuse('a key is no JSON object');
    if (privateMembers.some((name) => name in key)) return refuse('it contains a private or shared key');
    const usable = publicPart(key);
    if (usable && (await isKey(usable))) keys.push(usable);
  }
  return keys.length === 0 ? refuse('it has no key to verify with') : { kind: 'keys', jwks: { keys } };
}

/** Makes a key pair for signing with ES256. @returns the private key, to be shown once, and the set of its public one */
export async function makeKeyPair(): Promise<{ privateKey: JWK; jwks: { keys: JWK[] } }> {
  const pair = await generateKeyPair('ES256', { extractable: true });
  const publicKey = await exportJWK(pair.publicKey);
  const named = { kid: await calculateJwkThumbprint(publicKey), alg: 'ES256', use: 'sig' };
  return {
    privateKey: { ...(await exportJWK(pair.privateKey)), ...named },
    jwks: { keys: [{ ...publicKey, ...named }] },
  };
}

/** Keeps what a signature is verified with; whatever else a key says is not kept. Pure. */
function publicPart(key: Record<string, unknown>): JWK | undefined {
  const members = ['kid', 'alg', 'use'].filter((name) => typeof key[name] === 'string');
  const parts = { EC: ['crv', 'x', 'y'], OKP: ['crv', 'x'], RSA: ['n', 'e'] }[String(key.kty)];
  if (!parts?.every((name) => typeof key[name] === 'string')) return undefined;
  if (parts.includes('crv') && !curves.includes(String(key.crv))) return undefined;
  if (key.kty === 'RSA' && Buffer.from(String(key.n), 'base64url').length * 8 < leastRsaBits)
    return undefined;
  return Object.fromEntries(['kty', ...parts, ...members].map((name) => [name, key[name]])) as JWK;
}

const algorithmOf: Record<string, string> = { EC: 'ES256', OKP: 'EdDSA', RSA: 'RS256' };

async function isKey(key: JWK): Promise<boolean> {
  try {
    await importJWK(
      key,
      key.crv?.startsWith('P-') ? `ES${key.crv.slice(2).replace('521', '512')}` : algorithmOf[key.kty ?? ''],
    );
    return true;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(reason: string): ReadKeys {
  return { kind: 'refused', reason };
}
