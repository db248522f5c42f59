/** A database as whoever steals it has it. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import pg from 'pg';
import type { Engine } from './databases.ts';
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
