/** Writes what somebody sent as an error_description may: in the characters that RFC 6749 sections 4.1.2.1 and 5.2 let it consist of. Pure. */
export function printable(text: string, mostCharacters = 200): string {
  return text.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '').slice(0, mostCharacters);
}
