/** R7, FT-03: the database is paused, locked up, or gone for a while under load. Nothing hangs, nothing is made up, and it comes back. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { pause, record, sized } from '../support/fault-figures.ts';
import { demo } from '../support/mandate.ts';
import { tokenByCode } from '../support/oauth.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { basic } from '../support/race.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const outageSeconds = sized(3, 30);
const perSecond = sized(50, 200);
let postgres: Postgres;
let node: ServerProcess;
let token: string;

beforeAll(async () => {
  postgres = await startPostgres({ durable: true });
  node = await startServerProcess({ databaseUrl: postgres.url });
  const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
  token = (await tokenByCode(node.issuer, person)).access_token ?? '';
}, 90_000);
afterAll(async () => {
  await node?.kill();
  await postgres?.stop();
});

/** Takes the database away. @returns what brings it back */
const ways: Record<string, () => Promise<() => Promise<void>>> = {
  async paused() {
    postgres.pause();
    return async () => postgres.resume();
  },
  async 'locked up, until every connection waits'() {
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    await client.query(
      'begin; lock table oidc_artifacts, change_counter, authorizations in access exclusive mode',
    );
    return async () => void (await client.end());
  },
  async 'restarted as after a crash'() {
    await postgres.restart('immediate');
    return async () => {};
  },
};

test.each(Object.keys(ways))(
  'FT-03: %s: 503 in time, never a wrong answer, and back by itself',
  async (way) => {
    const statuses = new Map<string, number>();
    const wrong: string[] = [];
    let slowest = 0;
    let over = false;
    const pending = new Set<Promise<void>>();
    const ask = async (introspect: boolean) => {
      const start = performance.now();
      const answer = await (introspect
        ? node.send('/introspect', { headers: basic(demo.apiServer), body: new URLSearchParams({ token }) })
        : node.send('/token', {
            headers: basic(demo.ci),
            body: new URLSearchParams({ grant_type: 'client_credentials', resource: demo.api }),
          }));
      slowest = Math.max(slowest, performance.now() - start);
      const kind = `${introspect ? 'introspection' : 'token'} ${answer.status}`;
      statuses.set(kind, (statuses.get(kind) ?? 0) + 1);
      if (answer.status !== 200 && answer.status !== 503) wrong.push(`${kind} ${answer.text}`);
      if (introspect && answer.status === 200 && !answer.text.includes('"active":true'))
        wrong.push(answer.text);
    };
    const load = (async () => {
      for (let index = 0; !over; index++) {
        const one = ask(index % 4 !== 0).catch((error: unknown) => void wrong.push(String(error)));
        pending.add(one);
        void one.finally(() => pending.delete(one));
        await pause(1_000 / perSecond);
      }
      await Promise.all(pending);
    })();
    await pause(500);
    const bringBack = await ways[way]?.();
    if (way !== 'restarted as after a crash') await pause(outageSeconds * 1_000);
    await bringBack?.();
    const back = performance.now();
    const answers = async () =>
      (
        await node.send('/introspect', {
          headers: basic(demo.apiServer),
          body: new URLSearchParams({ token }),
        })
      ).status === 200 && (await node.send('/readyz')).status === 200;
    while (!(await answers()) && performance.now() - back < 20_000) await pause(50);
    const recovery = performance.now() - back;
    over = true;
    await load;
    record({
      id: 'R7',
      scenario: `database ${way}${way.startsWith('restarted') ? '' : ` for ${outageSeconds} s`}, under ${perSecond} requests a second`,
      target: '503 within 2.5 s, 0 wrong, 0 hang beyond 3 s, back within 5 s without a restart',
      measured: `${wrong.length} wrong; slowest answer ${(slowest / 1_000).toFixed(1)} s; back after ${(recovery / 1_000).toFixed(1)} s; ${[...statuses].map(([kind, n]) => `${n} × ${kind}`).join(', ')}`,
      engine: 'PostgreSQL',
    });
    // What the server itself says of it stands beside what it answered.
    const log = wrong.length > 0 ? [node.output().slice(-4_000)] : [];
    expect([...wrong.slice(0, 5), ...log]).toEqual([]);
    expect(slowest).toBeLessThan(sized(6_000, 4_000));
    expect(recovery).toBeLessThan(5_000);
  },
  sized(60_000, 120_000),
);
