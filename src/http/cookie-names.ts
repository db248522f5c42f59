/**
 * The names of our cookies. Under https they carry the prefixes by which a browser makes sure that nobody but this very host, over
 * https, can have set them: neither a neighbour under the same domain nor somebody on the wire.
 * @see https://www.rfc-editor.org/rfc/rfc6265bis section 4.1.3
 */
export interface CookieNames {
  readonly session: string;
  /** Names the browser that consents. */
  readonly browser: string;
  /** Tells a browser that signed in to an account before. */
  readonly known: string;
  /** Valid on one path alone, which `__Host-` does not allow. */
  readonly interaction: string;
  readonly resume: string;
}

/** Names the cookies of an issuer. Pure. */
export function cookieNames(issuer: string): CookieNames {
  const https = issuer.startsWith('https:');
  const host = https ? '__Host-' : '';
  const secure = https ? '__Secure-' : '';
  return {
    session: `${host}mandate_session`,
    browser: `${host}mandate_browser`,
    known: `${host}mandate_known`,
    interaction: `${secure}mandate_interaction`,
    resume: `${secure}mandate_resume`,
  };
}
