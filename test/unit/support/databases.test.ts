import { afterAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { engines, freshDatabaseUrl } from '../../support/databases.ts';
import { type Postgres, startPostgres } from '../../support/postgres.ts';

async function answer(url: string, query: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url, query_timeout: 5_000 });
  await client.connect();
  try {
    return Object.values((await client.query(query)).rows[0])[0];
  } finally {
    await client.end();
  }
}

describe.each(engines)('a fresh database on %s', (engine) => {
  test('has a URL that no other has', async () => {
    const [first, second] = [await freshDatabaseUrl(engine), await freshDatabaseUrl(engine)];
    expect(first.url).toMatch(
      engine === 'sqlite' ? /^sqlite:\/.+\/mandate\.db$/ : /^postgres:\/\/.+\/mandate_\w+$/,
    );
    expect(first.url).not.toBe(second.url);
    await Promise.all([first.drop(), second.drop()]);
  });
});

test('a fresh PostgreSQL database is dropped while a connection to it is open', async () => {
  const database = await freshDatabaseUrl('postgres');
  const client = new pg.Client({ connectionString: database.url });
  const cut = new Promise((resolve) => client.on('error', resolve));
  await client.connect();
  expect((await client.query('SELECT current_database() AS name')).rows[0].name).toMatch(/^mandate_/);
  await database.drop();
  expect(await cut).toBeInstanceOf(Error);
});

describe('a PostgreSQL server of a test’s own', () => {
  let server: Postgres | undefined;
  afterAll(() => server?.stop());

  test('starts, freezes, goes on, survives a crash and stops', async () => {
    server = await startPostgres({ durable: true, settings: { work_mem: '5MB' } });
    expect(await answer(server.url, 'SHOW fsync')).toBe('on');
    expect(await answer(server.url, 'SHOW work_mem')).toBe('5MB');

    const client = new pg.Client({ connectionString: server.url });
    client.on('error', () => undefined);
    await client.connect();
    server.pause();
    let answered = false;
    const frozen = client.query('SELECT 1').then(() => {
      answered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(answered).toBe(false);
    server.resume();
    await frozen;

    const before = server.pid;
    await server.restart('immediate');
    expect(server.pid).not.toBe(before);
    expect(await answer(server.url, 'SELECT 1')).toBe(1);
    await client.end().catch(() => undefined);

    await server.stop();
    await expect(answer(server.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  });
});
