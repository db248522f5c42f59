import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { migrate } from '../../../db/migrate.ts';
import { openDatabase, type Store } from '../../../db/open.ts';
import { developmentSecret } from '../../../src/config.ts';
import { BusyError } from '../../../src/directory/password-threads.ts';
import type { UserStore } from '../../../src/directory/user-store.ts';
import { countRefusals } from '../../../src/http/count-refusals.ts';
import { createRateLimits } from '../../../src/http/rate-limit.ts';
import { createSignIn } from '../../../src/interaction/sign-in.ts';
import { createUnitsOfWork } from '../../../src/oauth/unit-of-work.ts';
import { createLabelledCounters } from '../../../src/operations/labelled-counters.ts';
import { createSecrets } from '../../../src/secrets.ts';
import { movableClock } from '../../support/clock.ts';
import { type FreshDatabase, freshDatabaseUrl } from '../../support/databases.ts';

let database: FreshDatabase;
let store: Store;
beforeAll(async () => {
  database = await freshDatabaseUrl('sqlite');
  store = await openDatabase(database.url);
  await migrate(store);
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

const units = createUnitsOfWork({
  store: { transact: () => Promise.reject(new Error('nothing is written')), runTogether: undefined },
});
const limitsOf = () =>
  createRateLimits({ store, clock: movableClock(), secrets: createSecrets(developmentSecret) });

describe('LG-01: whoever guesses learns nothing of who has an account', () => {
  const account = { id: 'usr_1', status: 'active', passwordHash: 'the hash' };
  const accounts: Record<string, object | undefined> = {
    nobody: undefined,
    'a person': account,
    'somebody suspended, with the right password': { ...account, status: 'suspended', right: true },
    'a machine, which has no password': { ...account, passwordHash: null },
  };

  test.each(Object.keys(accounts))('%s: one password is looked at a try, and after ten none', async (who) => {
    const looked: unknown[] = [];
    const found = accounts[who] as { right?: boolean } | undefined;
    const signIn = createSignIn({
      users: { findByEmail: async () => found } as unknown as UserStore,
      limits: limitsOf(),
      units,
      passwords: {
        verify: async (passwordHash) => {
          looked.push(passwordHash);
          return found?.right === true;
        },
        hash: async () => '',
      },
    });
    const attempt = () => signIn.attempt({ email: who, password: 'a guess' }, `address of ${who}`);
    for (let time = 1; time <= 10; time += 1) {
      expect([await attempt(), looked.length]).toEqual([{ kind: 'wrong' }, time]);
    }
    expect([await attempt(), looked.length]).toEqual([{ kind: 'too_many', retryAfterSeconds: 900 }, 10]);
  });
});

test('a password that nobody could look at is no try', async () => {
  const nobody = { findByEmail: async () => undefined } as unknown as UserStore;
  const limits = limitsOf();
  let busy = true;
  const verify = async () => {
    if (busy) throw new BusyError('too many');
    return false;
  };
  const signIn = createSignIn({ users: nobody, limits, units, passwords: { verify, hash: async () => '' } });
  const attempt = (known?: string) =>
    signIn.attempt({ email: 'ada@acme.test', password: 'wrong' }, '192.0.2.1', known);
  for (const known of [undefined, 'a browser']) {
    busy = true;
    for (let time = 0; time < 12; time += 1) await expect(attempt(known)).rejects.toThrow(BusyError);
    busy = false;
    for (let time = 0; time < 10; time += 1) expect(await attempt(known)).toEqual({ kind: 'wrong' });
    expect(await attempt(known)).toMatchObject({ kind: 'too_many' });
  }
});

test('browsers that are known to an account have tries of their own, and not as many together as there are browsers', async () => {
  const nobody = { findByEmail: async () => undefined } as unknown as UserStore;
  const passwords = { verify: async () => false, hash: async () => '' };
  const signIn = createSignIn({ users: nobody, limits: limitsOf(), units, passwords });
  const outcomes: string[] = [];
  for (let browser = 0; browser < 8; browser += 1) {
    for (let time = 0; time < 10; time += 1) {
      const credentials = { email: 'many@acme.test', password: 'wrong' };
      outcomes.push((await signIn.attempt(credentials, '192.0.2.9', `browser ${browser}`)).kind);
    }
  }
  expect(outcomes.filter((kind) => kind === 'wrong')).toHaveLength(60);
  // What they use up is nobody else's.
  const stranger = await signIn.attempt({ email: 'many@acme.test', password: 'wrong' }, '192.0.2.9');
  expect(stranger.kind).toBe('wrong');
});

test('tries are counted of each limit in turn until one has none left, which is the one that is told of', async () => {
  const refusals = createLabelledCounters();
  const limits = countRefusals(limitsOf(), refusals);
  const address = { name: 'address', points: 2, windowSeconds: 60 };
  const account = { name: 'account', points: 3, windowSeconds: 90 };
  const attempt = (from: string) =>
    limits.takeInTurn([
      [address, from],
      [account, 'ada'],
    ]);
  const refusedBy = (limit: typeof address) => ({
    kind: 'limited',
    retryAfterSeconds: limit.windowSeconds,
    by: limit,
  });
  for (let time = 0; time < 2; time += 1) expect(await attempt('here')).toEqual({ kind: 'allowed' });
  for (let time = 0; time < 5; time += 1) expect(await attempt('here')).toEqual(refusedBy(address));
  // None of those was a try at the account.
  expect(await attempt('there')).toEqual({ kind: 'allowed' });
  expect(await attempt('there')).toEqual(refusedBy(account));
  expect(refusals.all()).toEqual([
    { name: 'address', counter: { n: 5 } },
    { name: 'account', counter: { n: 1 } },
  ]);
});
