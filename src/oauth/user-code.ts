/** How a user code looks: 20^10 of them, with the limits on guessing less than one chance in 2^32 to meet one while it lives. */
export const userCodeShape = { charset: 'base-20', mask: '*****-*****' } as const;

const longestTyped = 64;

/**
 * Reads a user code the way a person types it. Pure and total: case, dashes, blanks and full-width letters do not
 * matter. Nothing is guessed: a character outside the alphabet means that it is no code.
 *
 * @returns `XXXXX-XXXXX` in the base-20 alphabet, or undefined when the text cannot be a code.
 * @see RFC 8628, section 6.1
 */
export function normalizeUserCode(text: string): string | undefined {
  if (text.length > longestTyped) return undefined;
  const letters = text.normalize('NFKC').replace(/[\s\p{Pd}\p{Cf}_.·]/gu, '');
  // Checked before the case is changed: the upper case of ß is two letters of the alphabet.
  if (!/^[bcdfghjklmnpqrstvwxzBCDFGHJKLMNPQRSTVWXZ]{10}$/.test(letters)) return undefined;
  return showUserCode(letters.toUpperCase());
}

/** Writes a code's letters as a person is shown them. Pure. */
export function showUserCode(letters: string): string {
  return `${letters.slice(0, 5)}-${letters.slice(5)}`;
}
