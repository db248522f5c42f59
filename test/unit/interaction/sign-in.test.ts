import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { migrate } from '../../../db/migrate.ts';
import { openDatabase, type Store } from '../../../db/open.ts';
import { developmentSecret } from '../../../src/config.ts';
import { BusyError } from '../../../src/directory/password-threads.ts';
import type { UserStore } from '../../../src/directory/user-store.ts';
import { createRateLimits } from '../../../src/http/rate-limit.ts';
import { createSignIn } from '../../../src/interaction/sign-in.ts';
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

test('a password that nobody could look at is no try', async () => {
  const nobody = { findByEmail: async () => undefined } as unknown as UserStore;
  const limits = createRateLimits({
    store,
    clock: movableClock(),
    secrets: createSecrets(developmentSecret),
  });
  let busy = true;
  const verify = async () => {
    if (busy) throw new BusyError('too many');
    return false;
  };
  const signIn = createSignIn({ users: nobody, limits, passwords: { verify, hash: async () => '' } });
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
