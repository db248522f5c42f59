/**
 * What an API key looks like: `mk_`, 43 base62 characters of 256 random bits, 6 of their CRC-32. Whoever finds one can tell
 * offline that it is one; whoever mistypes one is told without a look at the database.
 */
import { crc32 } from 'node:zlib';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const prefix = 'mk_';
const shape = /^mk_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/;

/** Writes a key over 32 random bytes. Pure. */
export function writeApiKey(random: Uint8Array): string {
  const body = base62(BigInt(`0x${Buffer.from(random).toString('hex')}`), 43);
  return `${prefix}${body}${checksum(body)}`;
}

/** Tells whether a text has the form and the checksum of a key; never whether there is such a key. Pure. */
export function isApiKey(text: string): boolean {
  const [, body, sum] = shape.exec(text) ?? [];
  return body !== undefined && checksum(body) === sum;
}

/** Tells a key, well-formed or not, from every token of ours. Pure. */
export function looksLikeApiKey(text: string): boolean {
  return text.startsWith(prefix);
}

function checksum(body: string): string {
  return base62(BigInt(crc32(body)), 6);
}

function base62(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest /= 62n) text = alphabet[Number(rest % 62n)] + text;
  return text;
}
