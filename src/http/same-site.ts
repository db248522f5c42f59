/** Refuses requests that change something and come from another site, by what the browser says about them. */
import type { IncomingHttpHeaders } from 'node:http';

/**
 * Tells whether a form was posted by a page of our own. Pure.
 *
 * Where the browser says which site the request comes from, that decides: our pages send no referrer, and under that policy
 * a browser names its origin `null` even to ourselves. A client that says neither is old or not a browser; the form's token
 * decides there.
 * @see https://www.w3.org/TR/fetch-metadata/ section 2.4
 */
export function isOurOwnPage(headers: IncomingHttpHeaders, issuer: string): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  if (site === undefined) return origin === undefined || origin === issuer;
  return site === 'same-origin' && (origin === undefined || origin === issuer || origin === 'null');
}
