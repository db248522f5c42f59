/** Where a sign-in may lead back to. */

/** The parts of this server that a person has to be signed in for. */
const areas = ['/account', '/admin'];

/**
 * Reads where to go after the sign-in. Pure and total. Only a path of ours below a known area: never another origin, whatever
 * way of writing one a browser would forgive.
 *
 * @param text The parameter as it was decoded; undefined where there is none.
 * @returns The path with its query; undefined when it leads anywhere else.
 * @see RFC 9700, section 4.11
 */
export function returnTo(text: string | undefined): string | undefined {
  if (text === undefined || text.length > 2_000 || !/^\/[\w\-./~%?=&:+,@!*()]*$/.test(text)) return undefined;
  const url = URL.parse(text, 'http://here.invalid');
  if (url?.origin !== 'http://here.invalid' || url.pathname + url.search !== text) return undefined;
  // Nothing that another decoding would read as another path.
  if (/%2f|%5c|%2e/i.test(url.pathname) || url.pathname.includes('//')) return undefined;
  const inside = areas.some((area) => url.pathname === area || url.pathname.startsWith(`${area}/`));
  return inside ? text : undefined;
}
