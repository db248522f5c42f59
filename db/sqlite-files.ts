/** SQLite's files as wholes: copied while servers write, looked at before they are put back, closed so that they can be moved. */
import { existsSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { isMarkedCopy, markCopy } from './copies.ts';

/**
 * Copies a database into an empty file, at one moment, and marks it as a copy.
 * @returns the number of the last change in it
 * @throws Error when what came out is damaged
 */
export function copyDatabase(source: string, target: string): number {
  const from = new Sqlite(source, { timeout: 5_000 });
  try {
    // One read transaction: under WAL it sees one moment and holds nobody up. The API's copy in steps would begin anew with every
    // commit of another process.
    from.prepare('vacuum into ?').run(target);
  } finally {
    from.close();
  }
  const copy = new Sqlite(target);
  try {
    copy.pragma('journal_mode = DELETE');
    markCopy(copy);
    const fault = copy.pragma('integrity_check', { simple: true });
    if (fault !== 'ok') throw new Error(`the copy is damaged: ${String(fault)}`);
    return copy.prepare<[], number>('select n from change_counter where id = 1').pluck().get() ?? 0;
  } finally {
    copy.close();
  }
}

/** What a file is that somebody wants to put back. */
export type BackupState =
  | { readonly kind: 'backup' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged'; readonly fault: string }
  /** A database of Mandate that `copyDatabase` did not make. */
  | { readonly kind: 'unmarked' }
  | { readonly kind: 'foreign' };

/** Looks at a file without changing it. */
export function lookAtBackup(path: string): BackupState {
  if (!existsSync(path)) return { kind: 'missing' };
  let file: Sqlite.Database | undefined;
  try {
    file = new Sqlite(path, { readonly: true, fileMustExist: true });
    const fault = file.pragma('integrity_check', { simple: true });
    if (fault !== 'ok') return { kind: 'damaged', fault: String(fault) };
    file.prepare('select n from change_counter').get();
    return { kind: isMarkedCopy(file) ? 'backup' : 'unmarked' };
  } catch {
    return { kind: 'foreign' };
  } finally {
    file?.close();
  }
}

/**
 * Brings what is in a database's log of writes into its file and takes the log away, so that the file can be moved alone, and keeps every
 * server from starting on it. Who only reads is not held up.
 * @returns lets go; undefined when somebody has it open. What is damaged is in nobody's way
 */
export function holdClosed(path: string): (() => void) | undefined {
  let file: Sqlite.Database | undefined;
  try {
    file = new Sqlite(path, { timeout: 0 });
    // Leaving WAL needs to be alone, and a server begins by going back to it, which this transaction keeps it from.
    file.pragma('journal_mode = DELETE');
    file.exec('begin immediate');
    if (file.pragma('journal_mode', { simple: true }) === 'delete') return () => file?.close();
    file.close();
    return undefined;
  } catch (error) {
    file?.close();
    return (error as { code?: string }).code?.startsWith('SQLITE_BUSY') ? undefined : () => {};
  }
}
