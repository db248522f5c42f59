/** Makes a text from elsewhere fit for a terminal: it cannot move the cursor, turn the text around or break the line. Pure. */
export function harmless(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}');
}
