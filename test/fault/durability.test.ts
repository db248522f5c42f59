/** What was acknowledged stays; what cannot be asked is not answered. */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Sqlite from 'better-sqlite3';
import { type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo } from '../support/mandate.ts';
import { introspect, tokenByCode } from '../support/oauth.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { basic } from '../support/race.ts';
import type { Answer } from '../support/raw-request.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { ownThreadTime, startStopwatch, threadTimeOf } from '../support/thread-time.ts';

const run = promisify(execFile);
const editor = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };

const introspection = (node: ServerProcess, token: string) =>
  node.send('/introspect', { headers: basic(demo.apiServer), body: new URLSearchParams({ token }) });
/** The same question in a way that is not the common one. */
const oddIntrospection = (node: ServerProcess, token: string) =>
  node.send('/introspect', {
    headers: { ...basic(demo.apiServer), 'content-type': 'application/x-www-form-urlencoded;charset=utf-8' },
    body: new URLSearchParams({ token }),
  });
const clientToken = (node: ServerProcess) =>
  node.send('/token', {
    headers: basic(demo.ci),
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: demo.api }),
  });
const accessTokenOf = ({ text }: Answer) => (JSON.parse(text) as { access_token: string }).access_token;

describe('on SQLite', () => {
  let database: FreshDatabase;
  let node: ServerProcess;

  beforeAll(async () => {
    database = await freshDatabaseUrl('sqlite');
    node = await startServerProcess({ databaseUrl: database.url });
  });
  afterAll(async () => {
    await node.kill();
    await database.drop();
  });

  test('RV-04: a revocation whose answer was sent is in force after kill -9, in 20 rounds', async () => {
    const { issuer } = node;
    let revived = 0;
    let lost = 0;
    for (let round = 0; round < 20; round++) {
      const kept = accessTokenOf(await clientToken(node));
      const tokens = await tokenByCode(node.issuer, editor, {}, createBrowserlessClient(node.issuer));
      const body = new URLSearchParams({ token: tokens.refresh_token ?? '' });
      const revoked = await node.send('/revoke', { headers: basic(demo.web), body });
      await node.kill();
      expect(revoked.status).toBe(200);
      node = await startServerProcess({ databaseUrl: database.url });
      const { active } = await introspect(node.issuer, tokens.access_token ?? '');
      if (active) revived++;
      if ((await introspection(node, kept)).text.includes('"active":false')) lost++;
    }
    expect(issuer).not.toBe(node.issuer);
    expect({ revived, lost }).toEqual({ revived: 0, lost: 0 });
  }, 120_000);

  test('another process that holds the write lock for 2 s holds up writers, who succeed, and no introspection', async () => {
    const token = accessTokenOf(await clientToken(node));
    const other = new Sqlite(database.url.slice('sqlite:'.length));
    other.exec('BEGIN IMMEDIATE');
    const start = performance.now();
    const writing = Promise.all([1, 2, 3].map(() => clientToken(node))).then((answers) => ({
      statuses: answers.map(({ status }) => status),
      after: performance.now() - start,
    }));
    const times: number[] = [];
    while (performance.now() - start < 2_000) {
      const [taken, there] = [startStopwatch(), threadTimeOf(node.pid).queued];
      const answer = await introspection(node, token);
      times.push(taken() - (threadTimeOf(node.pid).queued - there));
      expect(answer.text).toContain('"active":true');
      await new Promise((resume) => setTimeout(resume, 4));
    }
    other.exec('ROLLBACK');
    other.close();
    const { statuses, after } = await writing;
    expect(statuses).toEqual([200, 200, 200]);
    expect(after).toBeGreaterThan(1_900);
    // One that waited for the lock would have waited for as long as it was held.
    expect(Math.max(...times)).toBeLessThan(1_000);
  }, 30_000);
});

/** Limits of a running process can be changed on Linux alone. */
const describeOnLinux = process.platform === 'linux' ? describe : describe.skip;

describeOnLinux('on SQLite, with a disk that is full', () => {
  let database: FreshDatabase;
  let node: ServerProcess;

  beforeAll(async () => {
    database = await freshDatabaseUrl('sqlite');
    node = await startServerProcess({ databaseUrl: database.url });
  });
  afterAll(async () => {
    await node.kill();
    await database.drop();
  });

  /** No file of the process may grow beyond this: a write that would is refused, as on a full disk. */
  const limitFiles = (bytes: number | 'unlimited') =>
    run('prlimit', ['--pid', String(node.pid), `--fsize=${bytes}:unlimited`]);

  test('FT-01: writers get 503 and nothing half done, introspection is right, and it heals by itself', async () => {
    const token = accessTokenOf(await clientToken(node));
    const path = database.url.slice('sqlite:'.length);
    const tokens = () => {
      const file = new Sqlite(path, { readonly: true });
      const rows = file
        .prepare("select count(*) from oidc_artifacts where model = 'ClientCredentials'")
        .pluck();
      const count = rows.get() as number;
      file.close();
      return count;
    };
    const before = tokens();
    await limitFiles(statSync(`${path}-wal`).size);
    const refused = await Promise.all([1, 2, 3, 4, 5].map(() => clientToken(node)));
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503]);
    expect(refused[0]?.headers['retry-after']).toBeDefined();
    expect(tokens()).toBe(before);
    expect((await introspection(node, token)).text).toContain('"active":true');
    await limitFiles('unlimited');
    expect((await clientToken(node)).status).toBe(200);
    expect(tokens()).toBe(before + 1);
  });
});

describe('on PostgreSQL, paused', () => {
  let postgres: Postgres;
  let node: ServerProcess;
  let token: string;

  beforeAll(async () => {
    postgres = await startPostgres();
    node = await startServerProcess({ databaseUrl: postgres.url });
    token = accessTokenOf(await clientToken(node));
  }, 60_000);
  afterAll(async () => {
    postgres.resume();
    await node.kill();
    await postgres.stop();
  });

  test('FT-03: introspection answers 503 with Retry-After within 2.5 s, writers too, and both recover', async () => {
    expect((await introspection(node, token)).text).toContain('"active":true');
    postgres.pause();
    try {
      const timed = async (ask: () => Promise<Answer>) => {
        const start = performance.now();
        const answer = await ask();
        return { ...answer, took: performance.now() - start };
      };
      const unserved = () => threadTimeOf(node.pid).queued + ownThreadTime().queued;
      const before = unserved();
      // More than the pool has connections: those that wait for one are answered in time as well.
      const answers = await Promise.all([
        ...Array.from({ length: 15 }, () => timed(() => introspection(node, token))),
        ...Array.from({ length: 15 }, () => timed(() => oddIntrospection(node, token))),
        ...Array.from({ length: 5 }, () => timed(() => clientToken(node))),
      ]);
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
      for (const { headers, text } of answers) {
        expect(headers['retry-after']).toMatch(/^\d+$/);
        expect(headers['cache-control']).toContain('no-store');
        expect(text).not.toContain('active');
      }
      // Less what a machine that does much else kept the server and this test waiting for a processor.
      const machine = unserved() - before;
      expect(Math.max(...answers.slice(0, 30).map(({ took }) => took)) - machine).toBeLessThan(2_500);
      expect((await node.send('/readyz')).status).toBe(503);
      expect((await node.send('/healthz')).status).toBe(200);
    } finally {
      postgres.resume();
    }
    const taken = startStopwatch();
    let answer = await introspection(node, token);
    while (answer.status !== 200 && taken() < 5_000) {
      await new Promise((resume) => setTimeout(resume, 50));
      answer = await introspection(node, token);
    }
    expect(answer.text).toContain('"active":true');
    expect((await clientToken(node)).status).toBe(200);
  }, 30_000);

  test('a restart of the database is answered by 503 at most, never by another error', async () => {
    const statuses = new Set<number>();
    let over = false;
    const asking = (async () => {
      while (!over) {
        for (const answer of await Promise.all([introspection(node, token), clientToken(node)])) {
          statuses.add(answer.status);
          if (answer.status === 200) expect(answer.text).not.toContain('"active":false');
        }
      }
    })();
    await postgres.restart('immediate');
    const taken = startStopwatch();
    while ((await introspection(node, token)).status !== 200) {
      expect(taken()).toBeLessThan(5_000);
    }
    over = true;
    await asking;
    expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
  }, 30_000);
});
