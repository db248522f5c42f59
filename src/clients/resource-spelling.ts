/** The spellings of a resource's address that clients really send (RFC 8707), and which of those that are known one of them means. Pure. */

/**
 * Folds the spellings of one resource.
 * @returns undefined for what RFC 8707 section 2 refuses: relative references and fragments
 */
export function spelledOut(indicator: string): string | undefined {
  const url = URL.parse(indicator);
  if (!url || indicator.includes('#') || url.username || url.password) return undefined;
  if (url.origin === 'null') return undefined;
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

/** Lists which of the addresses an indicator may be a spelling of. */
export function alikeAmong(known: readonly string[], indicator: string): string[] {
  const wanted = spelledOut(indicator);
  return wanted === undefined ? [] : known.filter((uri) => spelledOut(uri) === wanted);
}

/**
 * Finds the address that an indicator means: the one that it is, else the one with its query. A query that none of them has is forgiven
 * where all of them have the same one.
 * @returns undefined where it cannot be told
 */
export function meantAmong(known: readonly string[], indicator: string): string | undefined {
  const alike = alikeAmong(known, indicator);
  if (alike.includes(indicator)) return indicator;
  const sameQuery = alike.find((uri) => queryOf(uri) === queryOf(indicator));
  if (sameQuery !== undefined) return sameQuery;
  return new Set(alike.map(queryOf)).size === 1 ? alike[0] : undefined;
}

const queryOf = (uri: string) => new URL(uri).search;
