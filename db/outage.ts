/** Tells an outage of the database from a mistake of ours, by the codes that the two drivers use. */

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
  /timeout exceeded when trying to connect|Query read timeout|Connection terminated|pool after calling end/i;

/** Tells whether the database could not be asked or could not keep what it was given; trying again later may work. Pure. */
export function isOutage(error: unknown): boolean {
  for (let one = error, depth = 0; one instanceof Error && depth < 5; one = one.cause, depth += 1) {
    const { code } = one as { code?: unknown };
    if (typeof code === 'string' && (sqliteOutage.test(code) || networkOutage.has(code))) return true;
    if (typeof code === 'string' && code.length === 5 && postgresOutage.test(code)) return true;
    if (wordedOutage.test(one.message)) return true;
  }
  return false;
}
