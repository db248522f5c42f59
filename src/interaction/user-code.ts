const longestTyped = 64;

/**
 * Reads a user code the way a person types it. Pure and total: case, dashes, blanks and full-width letters do not
 * matter. Nothing is guessed: a character outside the alphabet means that it is no code.
 *
 * @returns `XXXX-XXXX` in the base-20 alphabet, or undefined when the text cannot be a code.
 * @see RFC 8628, section 6.1
 */
export function normalizeUserCode(text: string): string | undefined {
  if (text.length > longestTyped) return undefined;
  const letters = text.normalize('NFKC').replace(/[\s\p{Pd}\p{Cf}_.·]/gu, '');
  // Checked before the case is changed: the upper case of ß is two letters of the alphabet.
  if (!/^[bcdfghjklmnpqrstvwxzBCDFGHJKLMNPQRSTVWXZ]{8}$/.test(letters)) return undefined;
  const code = letters.toUpperCase();
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}
