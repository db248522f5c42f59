/**
 * Everything that is derived from MANDATE_SECRET: the pepper of keyed hashes, cookie keys, and the key that
 * protects private keys at rest. Owns no state; one secret gives the same keys in every process. What was made under an earlier
 * secret is recognised for as long as that one is still accepted, and made anew under the present one.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { createKeyedHash } from './keyed-hash.ts';

/** Where something sealed belongs: moved to any other place, it opens nothing. */
export interface SealedPlace {
  /** What it is: table and column, or a name of its own where it is not kept in the database. */
  readonly of: string;
  /** Whose: the key of its row. */
  readonly id: string;
}

export interface Secrets {
  /** Names the present secret without telling anything of it; 8 characters. */
  readonly id: string;
  /**
   * Hashes a secret value for storage and lookup: HMAC-SHA-256 under the pepper, base64url, 43 characters.
   * @param purpose keeps equal values of different kinds apart
   */
  keyedHash(purpose: string, value: string): string;
  /** The same under every secret that is accepted, the present one first: what a look-up may find. */
  keyedHashes(purpose: string, value: string): readonly [string, ...string[]];
  /** Tells in constant time whether a value has this keyed hash, under any secret that is accepted. */
  matches(purpose: string, value: string, hash: string): boolean;
  /** Keys for signed cookies, newest first. */
  readonly cookieKeys: readonly string[];
  /** 32 bytes for DPoP nonces (RFC 9449 section 8), the same on every node. */
  readonly dpopNonceKey: Buffer;
  /** Encrypts text for a place (AES-256-GCM, random nonce, the place as additional data). */
  seal(text: string, place: SealedPlace): string;
  /**
   * Decrypts what `seal` made for this place, and what an earlier version made, which bound nothing to a place.
   * @throws Error when it was made under a secret that is not accepted, for another place, or was altered
   */
  unseal(sealed: string, place: SealedPlace): string;
  /** Seals anew what was sealed under an earlier secret or by an earlier version. @returns undefined when there is nothing to do */
  reseal(sealed: string, place: SealedPlace): string | undefined;
}

/**
 * Derives the keys by HKDF-SHA-256 (RFC 5869), one label each.
 * @param earlier secrets that are still accepted, the latest first
 */
export function createSecrets(secret: string, earlier: readonly string[] = []): Secrets {
  const present = deriveKeys(secret);
  const others = earlier.filter((one) => one !== secret).map(deriveKeys);
  const unseal = (sealed: string, place: SealedPlace): string => {
    for (const { sealing } of [present, ...others]) {
      const text = decrypt(sealing, sealed, place);
      if (text !== undefined) return text;
    }
    throw new Error(
      `${place.of} was sealed under a secret that is not accepted, for another place, or was altered`,
    );
  };
  const seal = (text: string, place: SealedPlace) => encrypt(present.sealing, text, place);
  const keyedHashes = (purpose: string, value: string): [string, ...string[]] => {
    const first = keyedHash(present.pepper, purpose, value);
    return others.length === 0
      ? [first]
      : [first, ...others.map(({ pepper }) => keyedHash(pepper, purpose, value))];
  };
  return {
    id: present.id,
    keyedHash: (purpose, value) => keyedHash(present.pepper, purpose, value),
    keyedHashes,
    matches: (purpose, value, hash) => keyedHashes(purpose, value).some((one) => equal(one, hash)),
    cookieKeys: [present, ...others].map(({ cookies }) => cookies),
    dpopNonceKey: present.dpopNonce,
    seal,
    unseal,
    reseal(sealed, place) {
      const isPresent = sealed.startsWith(format) && decrypt(present.sealing, sealed, place) !== undefined;
      return isPresent ? undefined : seal(unseal(sealed, place), place);
    },
  };
}

/** Begins what is bound to a place. What an earlier version sealed is base64url alone, which has no such character. */
const format = '2.';

interface Keys {
  readonly id: string;
  /** Keyed hash under the pepper. */
  readonly pepper: (text: string) => string;
  readonly cookies: string;
  readonly dpopNonce: Buffer;
  readonly sealing: Buffer;
}

function deriveKeys(secret: string): Keys {
  const derive = (label: string) => Buffer.from(hkdfSync('sha256', secret, 'mandate', label, 32));
  return {
    id: derive('id').toString('base64url').slice(0, 8),
    pepper: createKeyedHash(derive('pepper')),
    cookies: derive('cookies').toString('base64url'),
    dpopNonce: derive('dpop-nonce'),
    sealing: derive('keys-at-rest'),
  };
}

const keyedHash = (pepper: Keys['pepper'], purpose: string, value: string): string =>
  pepper(`${purpose}\0${value}`);

function equal(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Additional data of what is sealed for a place. No name of a column holds the character NUL. */
const boundTo = ({ of, id }: SealedPlace) => Buffer.from(`${of}\0${id}`);

function encrypt(key: Buffer, text: string, place: SealedPlace): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(boundTo(place));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return format + Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
}

/** @returns undefined when it was not encrypted with this key for this place, or was altered */
function decrypt(key: Buffer, sealed: string, place: SealedPlace): string | undefined {
  const isBound = sealed.startsWith(format);
  const bytes = Buffer.from(isBound ? sealed.slice(format.length) : sealed, 'base64url');
  if (bytes.length < 28) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 });
  decipher.setAuthTag(bytes.subarray(12, 28));
  // Taken off its format, what is bound opens nothing either: its additional data is missing then.
  if (isBound) decipher.setAAD(boundTo(place));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
