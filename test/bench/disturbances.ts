/**
 * How long an introspection takes while something else goes on: asked at a steady pace, whether or not the last answer has come,
 * at half of what the server answers when it does nothing else or at what the generator can pace, whichever is less.
 */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { createBrowserlessClient } from '../support/http.ts';
import { demo } from '../support/mandate.ts';
import { fillField, makeKey, openField } from './field.ts';
import { connections, load } from './load.ts';
import type { Running, World } from './world.ts';

export interface Disturbed {
  readonly name: string;
  readonly perSecond: number;
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
  readonly refused: number;
  /** What went on, for how long. */
  readonly seconds: number;
}

const signIns = 300;
const revoked = 10_000;
const lockSeconds = 10;
/** The generator in Node is a process of the load's core too: more than this it cannot pace. */
const mostPerSecond = 1_000;
const leastPerSecond = 200;
const tickMilliseconds = 5;

export async function measureDisturbances(world: World): Promise<Disturbed[]> {
  const running = await world.open('disturbed', 1);
  // Not of the client whose authorizations end.
  const body = `token=${await makeKey(running.databaseUrl)}`;
  const { perSecond } = await load(running.ask([body]), 2);
  const pace = Math.max(leastPerSecond, Math.min(perSecond / 2, mostPerSecond));
  await fillField(running.databaseUrl, revoked, 1);
  const rows: Disturbed[] = [];
  for (const [name, meanwhile] of [
    ['nothing else', () => sleep(5_000)],
    [`${signIns} people sign in`, () => signInAll(running)],
    [`a client's ${revoked.toLocaleString('en')} authorizations are revoked`, () => revokeAll(running)],
    [`another process holds the write lock for ${lockSeconds} s`, () => holdWriteLock(running)],
  ] as const) {
    rows.push({ name, ...(await paced(running, body, pace, meanwhile)) });
  }
  return rows;
}

async function paced(
  { issuer, ask }: Running,
  body: string,
  pace: number,
  meanwhile: () => Promise<unknown>,
): Promise<Omit<Disturbed, 'name'>> {
  const { headers } = ask([]);
  const agent = new Agent({ keepAlive: true, maxSockets: connections * 4 });
  const latencies: number[] = [];
  let refused = 0;
  let under = 0;
  const once = () => {
    const begun = performance.now();
    under += 1;
    const sent = request(`${issuer}/introspect`, {
      method: 'POST',
      agent,
      headers: { ...headers, 'Content-Length': body.length },
    });
    const end = (fine: boolean) => {
      latencies.push(performance.now() - begun);
      if (!fine) refused += 1;
      under -= 1;
    };
    sent.on('error', () => end(false));
    sent.on('response', (response) => {
      response.resume();
      response.on('end', () => end(response.statusCode === 200));
    });
    sent.end(body);
  };
  const started = performance.now();
  let asked = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - started) / 1_000) * pace;
    for (; asked < due; asked++) once();
  }, tickMilliseconds);
  await meanwhile();
  clearInterval(timer);
  const seconds = (performance.now() - started) / 1_000;
  while (under > 0) await sleep(10);
  agent.destroy();
  latencies.sort((one, other) => one - other);
  const at = (part: number) => latencies[Math.floor(latencies.length * part)] ?? 0;
  return {
    perSecond: latencies.length / seconds,
    p50Milliseconds: at(0.5),
    p99Milliseconds: at(0.99),
    refused,
    seconds,
  };
}

async function signInAll({ issuer }: Running): Promise<void> {
  const people = ['owner', 'admin', 'editor', 'viewer', 'analyst'];
  let next = 0;
  const browsers = Array.from({ length: 10 }, async () => {
    for (let index = next++; index < signIns; index = next++) {
      const browser = createBrowserlessClient(issuer);
      const email = `${people[index % people.length]}@acme.test`;
      await browser.submit(await browser.get('/sign-in'), 'Sign in', {
        Email: email,
        Password: demo.password,
      });
    }
  });
  await Promise.all(browsers);
}

/** As another process does, which every node hears of in ten thousand changes. */
async function revokeAll({ databaseUrl }: Running): Promise<void> {
  const { store, stores } = await openField(databaseUrl);
  await stores.authorizations.revokeAll({ id: 'bench' }, { clientId: demo.web.id });
  await store.close();
  await sleep(2_000);
}

async function holdWriteLock({ databaseUrl }: Running): Promise<void> {
  const db = new Sqlite(databaseUrl.slice('sqlite:'.length));
  db.exec('BEGIN IMMEDIATE');
  await sleep(lockSeconds * 1_000);
  db.exec('ROLLBACK');
  db.close();
}
