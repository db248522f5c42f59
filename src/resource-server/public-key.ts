import { toBase64url } from './base64url.ts';
import { parametersOf, type SigningAlgorithm } from './signing-algorithms.ts';

/** The members that make a public key, and nothing else of it (RFC 7638 section 3.2): in the order of its thumbprint. */
export type PublicKey = Readonly<Record<string, string>>;

const members = { EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'], RSA: ['e', 'kty', 'n'] } as const;
/** What only a private or a shared key has (RFC 7518 section 6). */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
/** Base64url characters of 2048 and of 8192 bits: less is broken, more only keeps us busy. */
const [leastModulus, mostModulus] = [342, 1_366];
const mostExponent = 6;

/**
 * Reads a public key out of a JSON Web Key that somebody sent. Pure.
 *
 * @returns undefined when it is no key for this algorithm, or shows a secret part
 * @see https://www.rfc-editor.org/rfc/rfc7517
 */
export function readPublicKey(jwk: unknown, algorithm: SigningAlgorithm): PublicKey | undefined {
  if (typeof jwk !== 'object' || jwk === null) return undefined;
  const given = jwk as Readonly<Record<string, unknown>>;
  const { kty, crv } = parametersOf(algorithm);
  if (given.kty !== kty || given.crv !== crv) return undefined;
  if (given.alg !== undefined && given.alg !== algorithm) return undefined;
  if (given.use !== undefined && given.use !== 'sig') return undefined;
  if (secretMembers.some((name) => name in given)) return undefined;
  const pairs = members[kty].map((name) => [name, given[name]] as const);
  if (!pairs.every(([, value]) => typeof value === 'string' && value !== '')) return undefined;
  const key = Object.fromEntries(pairs) as Record<string, string>;
  const { n, e } = key;
  const isModulusFit = n === undefined || (n.length >= leastModulus && n.length <= mostModulus);
  return isModulusFit && (e === undefined || e.length <= mostExponent) ? key : undefined;
}

/** Names a key by its SHA-256 thumbprint, which is what `cnf.jkt` holds. @see https://www.rfc-editor.org/rfc/rfc7638 */
export async function thumbprintOf(key: PublicKey): Promise<string> {
  return sha256(JSON.stringify(key));
}

/** Hashes text as base64url of SHA-256. */
export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return toBase64url(new Uint8Array(digest));
}
