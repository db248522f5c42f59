/**
 * Identifiers of ours: a prefix that says what it names, then 26 characters that sort by time and are never reused.
 */
import { randomUUIDv7 } from 'node:crypto';

export type IdPrefix =
  | 'usr'
  | 'prj'
  | 'mcp'
  | 'rol'
  | 'az'
  | 'key'
  | 'rs'
  | 'apr'
  | 'ses'
  | 'add'
  | 'psk'
  | 'ups'
  | 'mail';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * Makes a new identifier from a UUIDv7 (RFC 9562 section 5.7) in Crockford's base 32.
 * @returns e.g. `usr_01k3v0p8x5f7bsx1c5n0yq2m4t`
 */
export function newId(prefix: IdPrefix): string {
  let rest = BigInt(`0x${randomUUIDv7().replaceAll('-', '')}`);
  let text = '';
  for (let i = 0; i < 26; i++) {
    text = alphabet[Number(rest & 31n)] + text;
    rest >>= 5n;
  }
  return `${prefix}_${text}`;
}
