/**
 * Tells a copy of a database from the one that was served from. A copy is older than what was acknowledged since it was made: to serve
 * from it as it is would bring back what was revoked. Owns the marks; what a copy goes through first is `src/restoration.ts`'s.
 *
 * SQLite: `mandate backup` marks the file. PostgreSQL: a table remembers its own number in its comment, which a dump takes along,
 * and which is another one wherever the dump is put back.
 */
import type Sqlite from 'better-sqlite3';
import { sql } from 'kysely';
import type { Store } from './open.ts';

/** `PRAGMA user_version` of a backup: "copy" in ASCII. Nothing else here uses that number. */
const copyMark = 0x63_6f_70_79;

/** PostgreSQL's code for what this role may not do. */
const insufficientPrivilege = '42501';

/** The database was put back from a copy and nobody has said what follows from that. */
class UnrestoredCopyError extends Error {
  override readonly name = 'UnrestoredCopyError';
}

/** Marks a backup's file. */
export function markCopy(file: Sqlite.Database): void {
  file.pragma(`user_version = ${copyMark}`);
}

/** Tells whether a file is a backup as it was made. */
export function isMarkedCopy(file: Sqlite.Database): boolean {
  return file.pragma('user_version', { simple: true }) === copyMark;
}

/**
 * Refuses to go on with a copy.
 * @throws UnrestoredCopyError
 */
export async function refuseCopy(store: Store): Promise<void> {
  if (!(await isCopy(store))) return;
  throw new UnrestoredCopyError(
    'this database was put back from a backup, and what was revoked since would come back to life: run `mandate restored` first',
  );
}

/** Makes this database the one that is served from. */
export async function adopt(store: Store): Promise<void> {
  if (store.sqlite) {
    store.sqlite.writer.pragma('user_version = 0');
    return;
  }
  const { oid } = await identityOf(store);
  await sql.raw(`comment on table change_counter is 'mandate:${oid}'`).execute(store.db);
}

async function isCopy(store: Store): Promise<boolean> {
  if (store.sqlite) return isMarkedCopy(store.sqlite.reader);
  const { oid, mark } = await identityOf(store);
  if (mark === null || !/^mandate:\d+$/.test(mark)) {
    await adopt(store).catch((error: { code?: string }) => {
      // Whoever owns the tables has to leave the mark; without it, nothing tells, as the runbook says.
      if (error.code !== insufficientPrivilege) throw error;
    });
    return false;
  }
  return mark !== `mandate:${oid}`;
}

async function identityOf(store: Store): Promise<{ oid: number; mark: string | null }> {
  const { rows } = await sql<{ oid: number; mark: string | null }>`
    select 'change_counter'::regclass::oid::int8 as oid, obj_description('change_counter'::regclass, 'pg_class') as mark`.execute(
    store.db,
  );
  const [row] = rows;
  if (!row) throw new Error('the change counter is missing');
  return { oid: Number(row.oid), mark: row.mark };
}
