/** R7, FT-03: the database is paused, locked up, stopped, or gone for a moment under load. Nothing hangs, nothing is made up, and it comes back. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { signIn } from '../support/account.ts';
import { pause, record, sized } from '../support/fault-figures.ts';
import { demo } from '../support/mandate.ts';
import { pkce, tokenByCode } from '../support/oauth.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { basic } from '../support/race.ts';
import type { Answer } from '../support/raw-request.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { ownThreadTime, threadTimeOf } from '../support/thread-time.ts';

const outageSeconds = sized(3, 30);
const perSecond = sized(50, 200);
let postgres: Postgres;
let node: ServerProcess;
let token: string;

const form = (fields: Record<string, string>) => new URLSearchParams(fields);
/** Every other kind of door, each with what it needs of the database. Nothing here is counted by a limit that the load would meet. */
const doors: Record<string, () => Promise<Answer>> = {
  readiness: () => node.send('/readyz'),
  'the sign-in page': () => node.send('/sign-in'),
  'a page of somebody signed in': () => node.send('/account/authorizations', { headers: { cookie } }),
  'the API': () => node.send('/api/v1/session', { headers: { cookie } }),
  'the beginning of a flow': () =>
    node.send(`/authorize?${form({ ...request, code_challenge: pkce().challenge })}`, {
      headers: { cookie },
    }),
  'a device code': () => node.send('/device/auth', { body: form({ client_id: demo.cli.id }) }),
  registration: () =>
    node.send('/register', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: ['https://tool.example/callback'] }),
    }),
  revocation: () => node.send('/revoke', { headers: basic(demo.ci), body: form({ token: 'unknown' }) }),
};
const request = {
  client_id: demo.web.id,
  response_type: 'code',
  redirect_uri: demo.web.redirect,
  code_challenge_method: 'S256',
  scope: 'api',
};
/** What each of them answers on a calm day. */
const calm = new Map<string, number>();
let cookie: string;

beforeAll(async () => {
  postgres = await startPostgres({ durable: true });
  node = await startServerProcess({ databaseUrl: postgres.url });
  const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
  token = (await tokenByCode(node.issuer, person)).access_token ?? '';
  cookie = (await signIn(node.issuer, 'owner@acme.test')).cookieHeader('/');
  for (const [door, ask] of Object.entries(doors)) calm.set(door, (await ask()).status);
  expect([...calm].filter(([, status]) => status >= 400)).toEqual([]);
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
  stopped: () => postgres.shutDown(),
  async 'restarted as after a crash'() {
    await postgres.restart('immediate');
    return async () => {};
  },
};

/** How long an answer took, and how much of it the server, or this test, was ready to run and had no processor. */
interface Waited {
  readonly door: string;
  readonly took: number;
  readonly queued: number;
}
const nothing: Waited = { door: 'none', took: 0, queued: 0 };
const slower = (one: Waited, other: Waited) => (other.took > one.took ? other : one);
const seconds = (milliseconds: number) => `${(milliseconds / 1_000).toFixed(2)} s`;
const inWords = ({ door, took, queued }: Waited) =>
  `${seconds(took)} (${door}; ${seconds(queued)} of it for want of a processor)`;

test.each(Object.keys(ways))(
  'FT-03: %s: 503 in time, never a wrong answer, and back by itself',
  async (way) => {
    const statuses = new Map<string, number>();
    const wrong: string[] = [];
    let slowest = nothing;
    let slowestDoor = nothing;
    /** The longest without what the server, and this test, waited for a processor. */
    let longestOwn = 0;
    const watch = () => {
      const [start, there, here] = [performance.now(), threadTimeOf(node.pid), ownThreadTime()];
      return (door: string): Waited => {
        const took = performance.now() - start;
        const queued = threadTimeOf(node.pid).queued - there.queued + ownThreadTime().queued - here.queued;
        longestOwn = Math.max(longestOwn, took - queued);
        return { door, took, queued };
      };
    };
    let over = false;
    const pending = new Set<Promise<void>>();
    const ask = async (introspect: boolean) => {
      const watched = watch();
      const answer = await (introspect
        ? node.send('/introspect', { headers: basic(demo.apiServer), body: new URLSearchParams({ token }) })
        : node.send('/token', {
            headers: basic(demo.ci),
            body: new URLSearchParams({ grant_type: 'client_credentials', resource: demo.api }),
          }));
      slowest = slower(slowest, watched(introspect ? 'introspection' : 'token'));
      const kind = `${introspect ? 'introspection' : 'token'} ${answer.status}`;
      statuses.set(kind, (statuses.get(kind) ?? 0) + 1);
      if (answer.status !== 200 && answer.status !== 503) wrong.push(`${kind} ${answer.text}`);
      if (introspect && answer.status === 200 && !answer.text.includes('"active":true'))
        wrong.push(answer.text);
    };
    const knock = async (door: string) => {
      const watched = watch();
      const { status, text } = await (doors[door] as () => Promise<Answer>)();
      slowestDoor = slower(slowestDoor, watched(door));
      const kind = status === 503 ? 'others 503' : 'others as ever';
      statuses.set(kind, (statuses.get(kind) ?? 0) + 1);
      if (status !== 503 && status !== calm.get(door)) wrong.push(`${door} ${status} ${text.slice(0, 200)}`);
    };
    const names = Object.keys(doors);
    const load = (async () => {
      for (let index = 0; !over; index++) {
        const door = names[(index / 3) % names.length];
        const one = (door === undefined ? ask(index % 4 !== 0) : knock(door)).catch(
          (error: unknown) => void wrong.push(String(error)),
        );
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
      measured: `${wrong.length} wrong; slowest answer ${inWords(slowest)}, of other endpoints ${inWords(slowestDoor)}; without waiting for a processor ${seconds(longestOwn)} at most; back after ${(recovery / 1_000).toFixed(1)} s; ${[...statuses].map(([kind, n]) => `${n} × ${kind}`).join(', ')}`,
      engine: 'PostgreSQL',
    });
    // What the server itself says of it stands beside what it answered.
    const log = wrong.length > 0 ? [node.output().slice(-4_000)] : [];
    expect([...wrong.slice(0, 5), ...log]).toEqual([]);
    expect(longestOwn).toBeLessThan(sized(3_000, 2_500));
    expect(recovery).toBeLessThan(5_000);
  },
  sized(60_000, 120_000),
);
