/** Refuses requests that change something and come from another site, by what the browser says about them. */
import type { IncomingHttpHeaders } from 'node:http';

/**
 * Tells whether a form was posted by a page of our own. Pure.
 * A browser that sends neither header is old or not a browser; the form's token decides there.
 * @see https://www.w3.org/TR/fetch-metadata/ section 2.4
 */
export function isOurOwnPage(headers: IncomingHttpHeaders, issuer: string): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  return headers.origin === undefined || headers.origin === issuer;
}
