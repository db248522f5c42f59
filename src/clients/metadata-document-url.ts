/** Which client ids may be the URL of a metadata document. */

const mostCharacters = 2_048;

/** Tells whether a client id means to be the URL of a metadata document, well or badly written. Pure. */
export function looksLikeDocumentUrl(clientId: string): boolean {
  return /^https?:/i.test(clientId);
}

/**
 * Finds what keeps a client id from being the URL of a metadata document. Pure.
 *
 * Asking for the normal form refuses user-visible twins at once: dot segments, blanks, backslashes, a default port, capital letters
 * in the host, a host written as a number.
 * @param clientId as the client sent it
 * @param issuer this server; it has no documents, and is not asked for any
 * @returns a sentence about the URL, or nothing when the document may be asked for
 * @see draft-ietf-oauth-client-id-metadata-document section 3
 */
export function documentUrlProblem(clientId: string, issuer: string): string | undefined {
  if (clientId.length > mostCharacters) return `it is longer than ${mostCharacters} characters`;
  const url = URL.parse(clientId);
  if (!url) return 'it is not a URL';
  if (url.protocol !== 'https:') return 'it does not begin with https:';
  if (url.username !== '' || url.password !== '' || clientId.includes('@')) return 'it has user information';
  if (clientId.includes('#')) return 'it has a fragment';
  if (url.pathname === '/') return 'it has no path';
  if (url.href !== clientId) return 'it is not written in its normal form';
  if (url.host === new URL(issuer).host) return 'it is an address of this server';
  return undefined;
}
