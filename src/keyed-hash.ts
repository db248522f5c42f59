/**
 * HMAC-SHA-256 (RFC 2104) of short texts, made of two hashes in one step each: half of what the library's `createHmac` costs
 * for a text of fifty characters, which makes an object for each. Owns the construction; does not own the key (`secrets.ts`).
 */
import { hash } from 'node:crypto';

/** SHA-256 works on blocks of this many bytes. */
const blockBytes = 64;
const hashBytes = 32;
/** Longer texts are hashed from a piece of memory of their own. */
const mostKeptBytes = 1_024;

/**
 * Prepares a key.
 * @param key 64 bytes at most
 * @returns hashes a text as UTF-8, to base64url of 43 characters
 */
export function createKeyedHash(key: Buffer): (text: string) => string {
  if (key.length > blockBytes) throw new RangeError('a longer key would have to be hashed first');
  const outer = Buffer.alloc(blockBytes + hashBytes, 0x5c);
  const inner = Buffer.alloc(blockBytes + mostKeptBytes, 0x36);
  for (const [at, byte] of key.entries()) {
    outer[at] = 0x5c ^ byte;
    inner[at] = 0x36 ^ byte;
  }
  return (text) => {
    const bytes = Buffer.byteLength(text);
    const fits = bytes <= mostKeptBytes;
    const piece = fits
      ? inner.subarray(0, blockBytes + bytes)
      : Buffer.concat([inner.subarray(0, blockBytes)], blockBytes + bytes);
    piece.write(text, blockBytes);
    outer.write(hash('sha256', piece, 'binary'), blockBytes, 'binary');
    return hash('sha256', outer, 'base64url');
  };
}
