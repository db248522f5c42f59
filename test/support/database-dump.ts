/** A database as whoever steals it has it. */
import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import pg from 'pg';
import type { Engine } from './databases.ts';
import type { Postgres } from './postgres.ts';
import type { Haystack } from './secret-search.ts';

/** SQLite: its files as a crash left them; PostgreSQL: every row of every table as text. */
export async function dump(engine: Engine, url: string): Promise<Haystack[]> {
  if (engine === 'sqlite') {
    const path = url.slice('sqlite:'.length);
    const files = ['', '-wal', '-shm'].map((suffix) => path + suffix).filter((file) => existsSync(file));
    return Promise.all(
      files.map(async (file) => ({
        name: file.slice(dirname(file).length + 1),
        bytes: await readFile(file),
      })),
    );
  }
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      "select table_name as name from information_schema.tables where table_schema = 'public'",
    );
    const dumped: Haystack[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ text: string }>(`select t::text as text from "${name}" t`);
      dumped.push({ name, bytes: Buffer.from(rows.map(({ text }) => text).join('\n')) });
    }
    return dumped;
  } finally {
    await client.end();
  }
}

const pageBytes = 8_192;
/** Files of less are of PostgreSQL's own tables, or none of a table. */
const firstOwnFile = 16_384;

/** PostgreSQL's files: tables and indexes as they are on the disk, the log of writes, and what the server logged. */
export async function dumpFiles({ url, data }: Pick<Postgres, 'url' | 'data'>): Promise<Haystack[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('CHECKPOINT').finally(() => client.end());
  const dumped: Haystack[] = [];
  for await (const file of glob([`${data}/base/*/*`, `${data}/pg_wal/*`, `${data}.log`])) {
    const name = file.slice(dirname(data).length + 1);
    if (name.includes('/base/') && !(Number.parseInt(basename(file), 10) >= firstOwnFile)) continue;
    if (name.endsWith('_status') || name.endsWith('summaries')) continue;
    dumped.push({ name, bytes: withoutEmptyPages(await readFile(file)) });
  }
  return dumped;
}

/** A log of writes is a file of 16 MB from the beginning. */
function withoutEmptyPages(bytes: Buffer): Buffer {
  const pages: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pageBytes) {
    const page = bytes.subarray(at, at + pageBytes);
    if (page.some((byte) => byte !== 0)) pages.push(page);
  }
  return Buffer.concat(pages);
}
