/**
 * Reads and checks one DPoP proof: everything that the proof, the request and the token show by themselves. Owns the checks of RFC 9449
 * section 4.3; does not own whether the proof was seen before (`dpop-verifier.ts`) or whose key it should be (`verdict.ts`).
 */
import { fromBase64url } from './base64url.ts';
import { type PublicKey, readPublicKey, sha256, thumbprintOf } from './public-key.ts';
import { parametersOf, type SigningAlgorithm } from './signing-algorithms.ts';

/** What a proof is held against. */
export interface ProofContext {
  readonly method: string | undefined;
  /** The address that the client asked, as it knows it. */
  readonly url: string | undefined;
  readonly accessToken: string;
  readonly algorithms: readonly SigningAlgorithm[];
  /** Integer seconds since the epoch. */
  readonly now: number;
  /** How old a proof may be. */
  readonly maxAgeSeconds: number;
  /** How far the client's clock may be off, either way. */
  readonly toleranceSeconds: number;
}

/** A proof that is right, so far as it shows by itself. */
export interface CheckedProof {
  readonly kind: 'proof';
  /** Of the key that signed it (RFC 7638). */
  readonly thumbprint: string;
  readonly jti: string;
  /** Integer seconds since the epoch: after it, the proof is refused for its age. */
  readonly expiresAt: number;
}

export type ProofOutcome =
  | CheckedProof
  | { readonly kind: 'invalid_dpop_proof'; readonly description: string };

/** A signature of the longest key that is taken, the key itself, and room. */
const mostCharacters = 8_192;
const mostJtiCharacters = 256;

/** Checks a proof. @param header the value of the one `DPoP` header; undefined when there is none */
export async function checkProof(header: string | undefined, context: ProofContext): Promise<ProofOutcome> {
  if (header === undefined) return refused('A DPoP proof is needed: send one in the DPoP header');
  const [, signed = '', head = '', body = '', mark = ''] =
    (header.length <= mostCharacters && /^(([\w-]+)\.([\w-]+))\.([\w-]+)$/.exec(header)) || [];
  const claimed = readJson(head);
  const payload = readJson(body);
  const signature = fromBase64url(mark);
  // Two headers arrive as one, with a comma.
  if (!claimed || !payload || !signature) return refused('The DPoP header is not one signed JWT');
  if (claimed.typ !== 'dpop+jwt') return refused('The proof’s typ is not dpop+jwt');
  const algorithm = context.algorithms.find((name) => name === claimed.alg);
  if (algorithm === undefined) return refused('The proof’s alg is not one that is taken here');
  // RFC 7515 section 4.1.11: what must be understood and is not.
  if ('crit' in claimed) return refused('The proof asks for an extension that is not known here');
  const key = readPublicKey(claimed.jwk, algorithm);
  if (!key) return refused('The proof’s jwk is not a public key for its alg');

  // The cheap checks first: a signature costs the most.
  const problem = problemOf(payload, context);
  if (problem !== undefined) return refused(problem);
  if (payload.ath !== (await sha256(context.accessToken))) {
    return refused('The proof’s ath is not the hash of this access token');
  }
  if (!(await isSigned(signed, signature, key, algorithm))) return refused('The proof’s signature is wrong');
  return {
    kind: 'proof',
    thumbprint: await thumbprintOf(key),
    jti: String(payload.jti),
    expiresAt: Number(payload.iat) + context.maxAgeSeconds + context.toleranceSeconds,
  };
}

function problemOf(claims: Readonly<Record<string, unknown>>, context: ProofContext): string | undefined {
  const { jti, htm, htu, iat } = claims;
  if (typeof jti !== 'string' || jti === '' || jti.length > mostJtiCharacters) return 'The proof has no jti';
  if (context.method === undefined || htm !== context.method) return 'The proof’s htm is not this method';
  const asked = context.url === undefined ? undefined : normalUrl(context.url);
  if (typeof htu !== 'string' || asked === undefined || normalUrl(htu) !== asked) {
    return 'The proof’s htu is not this address';
  }
  if (typeof iat !== 'number' || !Number.isFinite(iat)) return 'The proof has no iat';
  if (iat > context.now + context.toleranceSeconds) return 'The proof was made in the future';
  if (iat < context.now - context.maxAgeSeconds - context.toleranceSeconds) return 'The proof is too old';
  return undefined;
}

/**
 * Brings an address into the form in which two that mean the same are equal: without query and fragment, scheme and host in small
 * letters, no default port, no dots, no needless percent signs. Pure.
 *
 * @returns undefined for what is no address of the web
 * @see https://www.rfc-editor.org/rfc/rfc3986#section-6.2
 */
function normalUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, username, password, origin, pathname } = new URL(text);
  if ((protocol !== 'https:' && protocol !== 'http:') || username !== '' || password !== '') return undefined;
  const path = pathname.replace(/%[0-9a-f]{2}/gi, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : escaped.toUpperCase();
  });
  return origin + path;
}

async function isSigned(
  signed: string,
  signature: Uint8Array<ArrayBuffer>,
  key: PublicKey,
  algorithm: SigningAlgorithm,
): Promise<boolean> {
  const parameters = parametersOf(algorithm);
  try {
    const imported = await crypto.subtle.importKey('jwk', key, parameters.key, false, ['verify']);
    return await crypto.subtle.verify(
      parameters.signature,
      imported,
      signature,
      new TextEncoder().encode(signed),
    );
  } catch {
    // A point that is not on the curve, a key that this runtime does not take.
    return false;
  }
}

function readJson(part: string): Readonly<Record<string, unknown>> | undefined {
  const bytes = fromBase64url(part);
  if (!bytes) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function refused(description: string): ProofOutcome {
  return { kind: 'invalid_dpop_proof', description };
}
