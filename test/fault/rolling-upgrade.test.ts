/**
 * R15: two nodes are brought to the next version one after the other, under introspections and refreshes. The first of them migrates
 * the database beneath the other one, which goes on as it is: a migration that only adds fails nobody.
 */
import { expect, test } from '@jest/globals';
import { openDatabase } from '../../db/open.ts';
import { balance } from '../support/balancer.ts';
import { engines, freshDatabaseUrl } from '../support/databases.ts';
import { engineName, pause, record, sized } from '../support/fault-figures.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo } from '../support/mandate.ts';
import { buildNextVersion } from '../support/next-version.ts';
import { tokenByCode } from '../support/oauth.ts';
import { basic } from '../support/race.ts';
import type { Answer, SendOptions } from '../support/raw-request.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
/** Those that every request reads, and most write. One a version: that is how a migration is written which nobody notices. */
const altered = ['authorizations', 'oidc_artifacts', 'users', 'sessions'].slice(0, sized(1, 4));
const pauseMilliseconds = sized(100, 20);

test.each(engines)(
  'an upgrade of two nodes, one after the other, fails nobody, on %s',
  async (engine) => {
    const database = await freshDatabaseUrl(engine);
    const versions = altered.map((_, index) => buildNextVersion(altered.slice(0, index + 1)));
    const first = await startServerProcess({ databaseUrl: database.url });
    const { issuer } = first;
    const nodes = [first, await startServerProcess({ databaseUrl: database.url, issuer })];
    let ready = [...nodes];
    const everyNode = [...nodes];
    const failed: string[] = [];
    const count = { introspections: 0, refreshes: 0, pages: 0, late: 0 };
    let over = false;

    const send = balance(() => ready);
    /** A database that is too slow for a moment says so, and is asked again as Retry-After says; nothing else is. */
    const ask = async (path: string, options: SendOptions): Promise<Answer> => {
      let answer = await send(path, options);
      for (let again = 0; answer.status === 503 && again < 5; again += 1) {
        count.late += 1;
        await pause(1_000);
        answer = await send(path, options);
      }
      return answer;
    };
    const always = async (work: () => Promise<void>) => {
      while (!over) {
        await work().catch((error: unknown) => void failed.push(String(error)));
        await pause(pauseMilliseconds);
      }
    };
    const expectOk = (what: string, { status, text }: Answer) => {
      if (status !== 200) throw new Error(`${what}: ${status} ${text.slice(0, 300)}`);
      return text;
    };

    const browser = createBrowserlessClient(issuer);
    let { access_token: token = '', refresh_token: refreshToken = '' } = (await tokenByCode(
      issuer,
      person,
      {},
      browser,
    )) as Record<string, string>;
    const work = [
      always(async () => {
        const body = new URLSearchParams({ token });
        const text = expectOk(
          'introspection',
          await ask('/introspect', { headers: basic(demo.apiServer), body }),
        );
        if (!text.includes('"active":true')) throw new Error(text);
        count.introspections += 1;
      }),
      always(async () => {
        const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken });
        const text = expectOk('refresh', await ask('/token', { headers: basic(demo.web), body }));
        ({ access_token: token, refresh_token: refreshToken } = JSON.parse(text) as {
          access_token: string;
          refresh_token: string;
        });
        count.refreshes += 1;
      }),
      always(async () => {
        // Pages read whole rows, where a new column would be noticed.
        const headers = { cookie: browser.cookieHeader('/account/authorizations') };
        expectOk('a page', await ask('/account/authorizations', { headers }));
        count.pages += 1;
      }),
    ];
    try {
      for (const { program } of versions) {
        for (const index of [0, 1]) {
          const leaving = nodes[index] as ServerProcess;
          ready = ready.filter((node) => node !== leaving);
          await leaving.stop();
          const back = await startServerProcess({
            ...{ program, databaseUrl: database.url, issuer, port: leaving.port },
          });
          // The other one is of the version before, on a database that is not.
          await pause(sized(500, 5_000));
          nodes[index] = back;
          everyNode.push(back);
          ready = [...ready, back];
          await pause(sized(300, 3_000));
        }
      }
    } finally {
      over = true;
      await Promise.all(work);
      for (const node of nodes) await node.kill();
      for (const version of versions) version.remove();
    }
    const store = await openDatabase(database.url);
    const tables = await store.db.introspection.getTables();
    const widened = tables.filter(({ columns }) =>
      columns.some(({ name }) => name === 'of_the_next_version'),
    );
    await store.close();
    await database.drop();
    record({
      id: 'R15',
      scenario: `rolling upgrade of two nodes, ${altered.length} times, each with a migration that adds to a table in use`,
      target: '0 failed requests',
      measured: `${failed.length} failed of ${count.introspections} introspections, ${count.refreshes} refreshes and ${count.pages} pages; ${count.late} asked again after 503`,
      engine: `${engineName(engine)}, two nodes`,
    });
    const complaints = everyNode.flatMap((node) => node.output().match(/"message":"[^"]*"/g) ?? []);
    expect({ failed, because: failed.length > 0 ? [...new Set(complaints)] : [] }).toEqual({
      failed: [],
      because: [],
    });
    expect(widened.map(({ name }) => name).sort()).toEqual([...altered].sort());
    for (const n of [count.introspections, count.refreshes, count.pages]) expect(n).toBeGreaterThan(5);
  },
  sized(120_000, 300_000),
);
