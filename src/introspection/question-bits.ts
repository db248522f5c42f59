/** Reads the bits of a question, which is the hash of all that was asked in base64, without making bytes of it. */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** By character code; what is no such character counts as the first one. */
const bits = new Uint8Array(128);
for (let value = 0; value < alphabet.length; value++) bits[alphabet.charCodeAt(value)] = value;

const charactersOfWord = 6;

/**
 * Reads 32 of the bits. Pure.
 * @param index 0 to 6 of a SHA-256; each has characters of its own, so no two share a bit
 */
export function wordOf(question: string, index: number): number {
  let word = 0;
  let at = index * charactersOfWord;
  for (let shift = 26; shift >= 2; shift -= 6) word |= bitsAt(question, at++) << shift;
  return word | (bitsAt(question, at) >> 4);
}

const bitsAt = (question: string, at: number) => bits[question.charCodeAt(at) & 127] as number;
