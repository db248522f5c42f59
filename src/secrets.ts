/**
 * Everything that is derived from MANDATE_SECRET: the pepper of keyed hashes, cookie keys, and the key that
 * protects private keys at rest. Owns no state; one secret gives the same keys in every process. What was made under an earlier
 * secret is recognised for as long as that one is still accepted, and made anew under the present one.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

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
  /** Encrypts text for storage (AES-256-GCM, random nonce). */
  seal(text: string): string;
  /** Decrypts what `seal` made. @throws Error when it was made under a secret that is not accepted, or was altered */
  unseal(sealed: string): string;
  /** Seals anew what was sealed under an earlier secret. @returns undefined when it is under the present one */
  reseal(sealed: string): string | undefined;
}

/**
 * Derives the keys by HKDF-SHA-256 (RFC 5869), one label each.
 * @param earlier secrets that are still accepted, the latest first
 */
export function createSecrets(secret: string, earlier: readonly string[] = []): Secrets {
  const present = deriveKeys(secret);
  const others = earlier.filter((one) => one !== secret).map(deriveKeys);
  const unseal = (sealed: string): string => {
    for (const { sealing } of others) {
      const text = decrypt(sealing, sealed);
      if (text !== undefined) return text;
    }
    throw new Error('it was sealed under a secret that is not accepted, or altered');
  };
  const seal = (text: string) => encrypt(present.sealing, text);
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
    unseal: (sealed) => decrypt(present.sealing, sealed) ?? unseal(sealed),
    reseal: (sealed) => (decrypt(present.sealing, sealed) === undefined ? seal(unseal(sealed)) : undefined),
  };
}

interface Keys {
  readonly id: string;
  readonly pepper: KeyObject;
  readonly cookies: string;
  readonly dpopNonce: Buffer;
  readonly sealing: Buffer;
}

function deriveKeys(secret: string): Keys {
  const derive = (label: string) => Buffer.from(hkdfSync('sha256', secret, 'mandate', label, 32));
  return {
    id: derive('id').toString('base64url').slice(0, 8),
    // As a key object: made from bytes at every use it would cost five times the hash itself.
    pepper: createSecretKey(derive('pepper')),
    cookies: derive('cookies').toString('base64url'),
    dpopNonce: derive('dpop-nonce'),
    sealing: derive('keys-at-rest'),
  };
}

function keyedHash(pepper: KeyObject, purpose: string, value: string): string {
  return createHmac('sha256', pepper).update(purpose).update('\0').update(value).digest('base64url');
}

function equal(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function encrypt(key: Buffer, text: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
}

/** @returns undefined when it was not encrypted with this key, or was altered */
function decrypt(key: Buffer, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < 28) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 });
  decipher.setAuthTag(bytes.subarray(12, 28));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
