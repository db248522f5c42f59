/** Tells an outage of the database, and what it cannot keep, from a mistake of ours, by the codes that the two drivers use. */

/** SQLite: locked for too long, disk full, I/O error, file not to be opened or written. */
const sqliteOutage = /^SQLITE_(BUSY|FULL|IOERR|CANTOPEN|READONLY|LOCKED|NOMEM|PROTOCOL)/;
/** PostgreSQL: connection exceptions, insufficient resources, operator intervention, serialization failures. */
const postgresOutage = /^(08|53|57|40)/;
const networkOutage = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
]);
/** What pg says without a code. */
const wordedOutage =
  /timeout exceeded when trying to connect|Query read timeout|Connection terminated|is not queryable|pool after calling end/i;

/** Tells whether the database could not be asked or could not keep what it was given; trying again later may work. Pure. */
export function isOutage(error: unknown): boolean {
  let one = error;
  // By its shape, not by its class: a driver's errors may belong to another realm.
  for (let depth = 0; typeof one === 'object' && one !== null && depth < 5; depth += 1) {
    const { code, message, cause } = one as { code?: unknown; message?: unknown; cause?: unknown };
    if (typeof code === 'string' && (sqliteOutage.test(code) || networkOutage.has(code))) return true;
    if (typeof code === 'string' && code.length === 5 && postgresOutage.test(code)) return true;
    if (typeof message === 'string' && wordedOutage.test(message)) return true;
    one = cause;
  }
  return false;
}

/** PostgreSQL: a key that somebody else wrote, a row that mentions one or is mentioned, transactions that waited for each other. */
const lostRaces = new Set(['23505', '23503', '40P01', '40001']);

/**
 * Tells whether PostgreSQL undid a transaction because of another one at the same moment. Done again, it finds what that one wrote, and is
 * done or refused as a moment later. SQLite has one writer at a time. Pure.
 */
export function isLostRace(error: unknown): boolean {
  return lostRaces.has(String((error as { code?: unknown } | null | undefined)?.code));
}

/** Tells whether PostgreSQL was given text that it cannot hold: the character NUL. Pure. */
export function isUnstorable(error: unknown): boolean {
  let one = error;
  for (let depth = 0; typeof one === 'object' && one !== null && depth < 5; depth += 1) {
    const { code, cause } = one as { code?: unknown; cause?: unknown };
    if (code === '22021' || code === '22P05') return true;
    one = cause;
  }
  return false;
}
