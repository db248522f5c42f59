/**
 * Everything that is derived from MANDATE_SECRET: the pepper of keyed hashes, cookie keys, and the key that
 * protects private keys at rest. Owns no state; one secret gives the same keys in every process.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

export interface Secrets {
  /**
   * Hashes a secret value for storage and lookup: HMAC-SHA-256 under the pepper, base64url, 43 characters.
   * @param purpose keeps equal values of different kinds apart
   */
  keyedHash(purpose: string, value: string): string;
  /** Tells in constant time whether a value has this keyed hash. */
  matches(purpose: string, value: string, hash: string): boolean;
  /** Keys for signed cookies, newest first. */
  readonly cookieKeys: readonly string[];
  /** 32 bytes for DPoP nonces (RFC 9449 section 8), the same on every node. */
  readonly dpopNonceKey: Buffer;
  /** Encrypts text for storage (AES-256-GCM, random nonce). */
  seal(text: string): string;
  /** Decrypts what `seal` made. @throws Error when it was made under another secret or was altered */
  unseal(sealed: string): string;
}

/** Derives the keys by HKDF-SHA-256 (RFC 5869), one label each. */
export function createSecrets(secret: string): Secrets {
  const derive = (label: string) => Buffer.from(hkdfSync('sha256', secret, 'mandate', label, 32));
  // As a key object: made from bytes at every use it would cost five times the hash itself.
  const pepper = createSecretKey(derive('pepper'));
  const sealing = derive('keys-at-rest');
  const keyedHash = (purpose: string, value: string) =>
    createHmac('sha256', pepper).update(purpose).update('\0').update(value).digest('base64url');
  return {
    keyedHash,
    matches(purpose, value, hash) {
      const given = Buffer.from(keyedHash(purpose, value));
      const kept = Buffer.from(hash);
      return given.length === kept.length && timingSafeEqual(given, kept);
    },
    cookieKeys: [derive('cookies').toString('base64url')],
    dpopNonceKey: derive('dpop-nonce'),
    seal(text) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', sealing, nonce);
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
    },
    unseal(sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', sealing, bytes.subarray(0, 12));
      decipher.setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
    },
  };
}
