/**
 * Makes a text that somebody else chose safe to read on a page. Pure and total. Escaping is the template's work; this
 * removes what misleads the eye: control and format characters (bidirectional overrides, zero-width joiners), line
 * breaks, stacks of combining marks, and length.
 *
 * @param text Any string.
 * @param longest Most characters (code points) kept; an ellipsis stands for the rest.
 */
export function displayText(text: string, longest = 80): string {
  // Normalizing 40 KB on every page would be a gift to whoever registered it.
  const plain = text
    .slice(0, longest * 8)
    .normalize('NFC')
    .replace(/[\p{Zl}\p{Zp}\p{Zs}\t\n\r\v\f]+/gu, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\u115f\u1160\u3164\uffa0]/gu, '')
    .replace(/(\p{M}{3})\p{M}+/gu, '$1')
    .trim();
  const points = [...plain];
  return points.length <= longest
    ? plain
    : `${points
        .slice(0, longest - 1)
        .join('')
        .trimEnd()}…`;
}
