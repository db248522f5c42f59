import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { runPostgresUrl } from './run-services.ts';

/** The engines that every store runs on: `describe.each(engines)('on %s', (engine) => …)`. */
export const engines = ['sqlite', 'postgres'] as const;

/** One of the two database engines. */
export type Engine = (typeof engines)[number];

/** An empty database of a test's own. */
export interface FreshDatabase {
  /** What `DATABASE_URL` would say. */
  readonly url: string;
  /** Removes the database, also while connections to it are open. */
  drop(): Promise<void>;
}

/**
 * Makes an empty database that no other test sees.
 *
 * @param engine SQLite: a file in a temporary folder of its own; PostgreSQL: a database with a random name on the run's server
 */
export async function freshDatabaseUrl(engine: Engine): Promise<FreshDatabase> {
  return engine === 'sqlite' ? await freshSqlite() : await freshPostgres();
}

async function freshSqlite(): Promise<FreshDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'mandate-sqlite-'));
  return {
    url: `sqlite:${join(folder, 'mandate.db')}`,
    drop: () => rm(folder, { recursive: true, force: true }),
  };
}

async function freshPostgres(): Promise<FreshDatabase> {
  const adminUrl = await runPostgresUrl();
  const name = `mandate_${randomBytes(8).toString('hex')}`;
  await asAdmin(adminUrl, `CREATE DATABASE ${name}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => asAdmin(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
