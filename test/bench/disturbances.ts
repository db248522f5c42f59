/**
 * How long an introspection takes while something else goes on, and half of what the server answers is asked of it besides. What is
 * measured is asked at a steady pace, whether or not the last answer has come; without `wrk` that is all there is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { createBrowserlessClient } from '../support/http.ts';
import { demo } from '../support/mandate.ts';
import { askMeanwhile } from './ask-meanwhile.ts';
import { fillField, holder, makeKey, openField } from './field.ts';
import { generator, load, loadAt } from './load.ts';
import type { Running, World } from './world.ts';

export interface Disturbed {
  readonly name: string;
  readonly perSecond: number;
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
  /** The slowest. */
  readonly mostMilliseconds: number;
  readonly refused: number;
  /** What went on, for how long. */
  readonly seconds: number;
}

const signIns = 300;
const revoked = 10_000;
const lockSeconds = 10;
/** What is measured is asked by a process in Node, on the load's core too: not many more than this it can pace. */
const pacedPerSecond = 1_000;

export async function measureDisturbances(world: World): Promise<Disturbed[]> {
  const running = await world.open('disturbed', 1, { environment: { TRUSTED_PROXY_HOPS: '1' } });
  // Not of the person whose authorizations end.
  const token = await makeKey(running.databaseUrl, 'owner@acme.test');
  const { perSecond: most } = await load(running.ask([`token=${token}`]), 2);
  await fillField(running.databaseUrl, revoked, 1);
  const rows: Disturbed[] = [];
  for (const [name, meanwhile] of [
    ['nothing else', () => sleep(5_000)],
    [`${signIns} people sign in`, () => signInAll(running)],
    [`a user's ${revoked.toLocaleString('en')} authorizations are revoked`, () => revokeAll(running)],
    [`another process holds the write lock for ${lockSeconds} s`, () => holdWriteLock(running)],
  ] as const) {
    rows.push({ name, ...(await atHalfLoad(running, { token, most }, meanwhile)) });
  }
  return rows;
}

async function atHalfLoad(
  running: Running,
  { token, most }: { readonly token: string; readonly most: number },
  work: () => Promise<unknown>,
): Promise<Omit<Disturbed, 'name'>> {
  let besides = 0;
  const pace = { perSecond: pacedPerSecond, token };
  const { seconds, asked, within } = await askMeanwhile(running.issuer, pace, async () => {
    const loaded =
      generator === 'wrk' ? loadAt(running.ask([`token=${token}`]), most / 2 - pacedPerSecond) : undefined;
    try {
      await work();
    } finally {
      besides = (await loaded?.stop()) ?? 0;
    }
  });
  return {
    perSecond: besides + asked.length / seconds,
    p50Milliseconds: within(0.5),
    p99Milliseconds: within(0.99),
    mostMilliseconds: within(1),
    refused: asked.filter(({ active }) => !active).length,
    seconds,
  };
}

/** Each from an address of their own: many from one are refused, which costs less than hashing. */
async function signInAll({ issuer }: Running): Promise<void> {
  const people = ['owner', 'admin', 'editor', 'viewer', 'analyst'];
  let next = 0;
  const browsers = Array.from({ length: 10 }, async () => {
    for (let index = next++; index < signIns; index = next++) {
      const browser = createBrowserlessClient(issuer);
      const from = { headers: { 'x-forwarded-for': `10.0.${index >> 8}.${index & 255}` } };
      const credentials = {
        Email: `${people[index % people.length]}@acme.test`,
        Password: demo.password,
      };
      const page = await browser.get('/sign-in', from);
      const { status } = await browser.submit(page, 'Sign in', credentials, from);
      if (status !== 303) throw new Error(`a sign-in was answered with ${status}`);
    }
  });
  await Promise.all(browsers);
}

/** As another process does, which every node hears of in ten thousand changes. */
async function revokeAll({ databaseUrl }: Running): Promise<void> {
  const { store, stores } = await openField(databaseUrl);
  const user = await stores.users.findByEmail(holder);
  await stores.authorizations.revokeAll({ id: 'bench' }, { userId: user?.id ?? '' });
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
