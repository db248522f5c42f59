import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { copyDatabase } from '../../db/sqlite-files.ts';
import type { Config } from '../config.ts';
import { type Answer, done, refused } from './answer.ts';

/**
 * `backup`: writes a consistent copy of an SQLite database while servers go on writing to it. The file is complete and on the disk
 * when this ends, or not there at all; it is marked, so that nothing serves from it before `restore`.
 */
export async function backUp(config: Config, file: string): Promise<Answer> {
  if (!config.databaseUrl.startsWith('sqlite:')) {
    return refused(
      'PostgreSQL brings its own tool: run `pg_dump --format=custom --file FILE "$DATABASE_URL"`; after pg_restore, run `mandate restored`',
    );
  }
  const source = resolve(config.databaseUrl.slice('sqlite:'.length));
  const target = resolve(file);
  if (!existsSync(source)) return refused(`there is no database at ${source}`);
  if (existsSync(target)) return refused(`${target} exists: choose another name`);
  const partial = `${target}.partial`;
  rmSync(partial, { force: true });
  try {
    // It holds keyed hashes and encrypted keys: nobody else's to read, from its first byte on.
    closeSync(openSync(partial, 'wx', 0o600));
    const changes = copyDatabase(source, partial);
    sync(partial);
    renameSync(partial, target);
    sync(dirname(target));
    const { size } = statSync(target);
    return done(
      { file: target, bytes: size, change: changes },
      `wrote ${target} (${size} bytes, up to change ${changes})`,
    );
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

/** Has a file, or a folder's list of files, on the disk. */
export function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
