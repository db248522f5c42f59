/** ENGINE "Defaults that are unsafe here": a production start refuses what only development may have, in one clear line each. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { startRefused, startServerProcess } from '../support/server-process.ts';

const goodSecret = 'kX3vQ9-wT7_rB1zL5nY8mC2pF6dH4jS0aE';

describe('MD-02: a production start', () => {
  let empty: FreshDatabase;
  let demo: FreshDatabase;

  beforeAll(async () => {
    empty = await freshDatabaseUrl('sqlite');
    demo = await freshDatabaseUrl('sqlite');
    const environment = { MANDATE_SECRET: goodSecret };
    const filled = await startServerProcess({ databaseUrl: demo.url, environment });
    expect(await filled.stop()).toBe(0);
  }, 60_000);
  afterAll(async () => {
    await empty.drop();
    await demo.drop();
  });

  const refused = async (changes: Record<string, string>) => {
    const { code, output } = await startRefused({
      NODE_ENV: 'production',
      ISSUER: 'https://auth.example',
      MANDATE_SECRET: goodSecret,
      DATABASE_URL: empty.url,
      ...changes,
    });
    return { code, lines: output.trim().split('\n') };
  };

  test.each([
    ['a missing secret', { MANDATE_SECRET: '' }, /MANDATE_SECRET: production needs one/],
    [
      'a short secret',
      { MANDATE_SECRET: 'kX3vQ9-wT7_rB1zL5nY8mC2p' },
      /MANDATE_SECRET: must be at least 32 bytes/,
    ],
    [
      'the development secret',
      { MANDATE_SECRET: 'development-secret-not-for-production-0123456789' },
      /MANDATE_SECRET: is the development secret/,
    ],
    ['a secret of one character', { MANDATE_SECRET: 'a'.repeat(64) }, /MANDATE_SECRET: is too regular/],
    ['an http issuer', { ISSUER: 'http://auth.example' }, /ISSUER: production needs an https issuer/],
    [
      'an issuer with a path',
      { ISSUER: 'https://auth.example/x' },
      /ISSUER: must be written as https:\/\/auth\.example/,
    ],
    [
      'a database of no known kind',
      { DATABASE_URL: 'memory:' },
      /DATABASE_URL: must be sqlite:PATH or postgres:/,
    ],
  ])('refuses %s', async (_what, changes, line) => {
    const { code, lines } = await refused(changes);
    expect(code).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(line);
    expect(lines[0]).not.toContain(goodSecret);
  });

  test('names each of several problems on a line of its own', async () => {
    const { code, lines } = await refused({
      MANDATE_SECRET: 'kX3vQ9-wT7_rB1',
      ISSUER: 'http://auth.example',
    });
    expect(code).toBe(1);
    expect(lines).toHaveLength(2);
    expect(lines.join('\n')).toMatch(/ISSUER: [^\n]*https[^\n]*\n[^\n]*MANDATE_SECRET: [^\n]*32 bytes/);
  });

  test('refuses a database with the demo in it, a line for each secret, and tells none', async () => {
    const { code, lines } = await refused({ DATABASE_URL: demo.url });
    expect(code).toBe(1);
    const named = [
      ...['owner', 'admin', 'editor', 'viewer', 'analyst'].map((name) => `the password of ${name}@acme.test`),
      ...['acme-api', 'acme-mcp'].map((name) => `the secret of the resource server ${name}`),
      ...['acme-web', 'acme-ci'].map((id) => `the secret of the client ${id}`),
    ];
    for (const secret of named) expect(lines.filter((line) => line.includes(secret))).toHaveLength(1);
    expect(lines).toHaveLength(named.length);
    expect(lines.join()).not.toMatch(/mandate-demo|demo-secret/);
  });

  test('refuses a database that a newer version migrated', async () => {
    const newer = await freshDatabaseUrl('sqlite');
    const filled = await startServerProcess({ databaseUrl: newer.url });
    await filled.stop();
    const file = new Sqlite(newer.url.slice('sqlite:'.length));
    file.prepare('insert into kysely_migration (name, timestamp) values (?, ?)').run('9999-later', '2030');
    file.close();
    const { code, lines } = await refused({ DATABASE_URL: newer.url });
    expect(code).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/9999-later.*run the newer version/);
    await newer.drop();
  });

  test('refuses keys that were sealed under another secret', async () => {
    const { code, lines } = await refused({
      NODE_ENV: 'development',
      ISSUER: 'http://localhost:4999',
      DATABASE_URL: demo.url,
      MANDATE_SECRET: [...goodSecret].reverse().join(''),
    });
    expect(code).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/another MANDATE_SECRET/);
  });

  test('refuses a PostgreSQL that acknowledges before it writes', async () => {
    const lossy = await freshDatabaseUrl('postgres');
    const client = new pg.Client({ connectionString: lossy.url });
    await client.connect();
    await client.query(`alter database ${new URL(lossy.url).pathname.slice(1)} set synchronous_commit = off`);
    await client.end();
    const { code, lines } = await refused({ DATABASE_URL: lossy.url });
    expect(code).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/synchronous_commit=off/);
    await lossy.drop();
  });

  test('LG-12: serves no key and takes no cookie that a public default would give', async () => {
    const node = await startServerProcess({
      databaseUrl: empty.url,
      issuer: 'https://auth.example',
      environment: { NODE_ENV: 'production', MANDATE_SECRET: goodSecret },
    });
    const { keys } = JSON.parse((await node.send('/jwks')).text) as { keys: Record<string, unknown>[] };
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      expect(key.kid).not.toBe('keystore-CHANGE-ME');
      expect(Object.keys(key)).not.toEqual(expect.arrayContaining(['d']));
    }
    const page = await node.send('/device');
    const cookies = page.headers['set-cookie'] ?? [];
    expect(cookies.some((cookie) => cookie.startsWith('__Host-mandate_session.sig='))).toBe(true);
    for (const cookie of cookies) {
      expect(cookie).toMatch(/; secure/i);
      expect(cookie).toMatch(/^__Host-/);
      expect(cookie).toMatch(/; path=\/(;|$)/i);
      expect(cookie).not.toMatch(/; domain=/i);
      expect(cookie).toMatch(/; httponly/i);
      expect(cookie).toMatch(/; samesite=lax/i);
    }
    expect(page.headers['strict-transport-security']).toMatch(/max-age=\d{8}/);
    await node.stop();
  });
});
