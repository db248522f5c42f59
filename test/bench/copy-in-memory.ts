import { mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';

const memory = '/dev/shm';
/** What statfs(2) calls a file system that is in memory. */
const tmpfs = 0x01021994;

/**
 * Copies a database of SQLite, page by page, to where no disk has to be waited for: into memory where the machine has such a folder with
 * room to spare. Some systems let go of a file's pages within seconds; what is measured is the server.
 */
export async function copyInMemory(path: string): Promise<{ path: string; remove(): void }> {
  const folder = mkdtempSync(join(hasRoom(statSync(path).size) ? memory : tmpdir(), 'mandate-bench-'));
  const copy = join(folder, 'copy.db');
  const db = new Sqlite(path, { readonly: true });
  try {
    await db.backup(copy);
  } finally {
    db.close();
  }
  return { path: copy, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function hasRoom(bytes: number): boolean {
  try {
    const { type, bavail, bsize } = statfsSync(memory);
    return type === tmpfs && bavail * bsize > 2 * bytes;
  } catch {
    // No Linux, or none with it.
    return false;
  }
}
