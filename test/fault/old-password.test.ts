/** A password that was replaced opens nothing, also for whoever was in the middle of giving it when the new one was set. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createPasswords } from '../../src/directory/passwords.ts';
import { signIn } from '../support/account.ts';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { inTheMiddle } from '../support/in-the-middle.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';

const actor = { id: 'command' };

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const accountOf = async (email: string) => {
    const found = await mandate.stores.users.findByEmail(email);
    if (!found) throw new Error(`there is no ${email}`);
    return found;
  };
  /** Sets another password, and has something begin between that and its COMMIT. */
  const whileReplaced = async <T>(email: string, begin: () => Promise<T>) => {
    const { id } = await accountOf(email);
    const passwordHash = await createPasswords().hash('another quiet lantern');
    const { store, stores } = mandate;
    const done = await inTheMiddle(
      store,
      (trx) => stores.users.within(trx).update(actor, id, { passwordHash }),
      begin,
    );
    expect((await accountOf(email)).passwordHash).toBe(passwordHash);
    expect(await stores.sessionList.list(id)).toEqual([]);
    return done;
  };

  test('it begins no session', async () => {
    const email = 'viewer@acme.test';
    const thief = createBrowserlessClient(mandate.issuer);
    const form = await thief.get('/account/security', { follow: true });
    const answers = { Email: email, Password: demo.password };
    const answer = await whileReplaced(email, () => thief.submit(form, 'Sign in', answers));
    expect([400, 401]).toContain(answer.status);
    expect((await thief.get('/account/security')).status).toBe(303);
  });

  test('it sets no password in the place of the new one', async () => {
    const email = 'editor@acme.test';
    const thief = await signIn(mandate.issuer, email);
    const page = await thief.get('/account/security');
    const answers = { 'Present password': demo.password, 'New password': 'a lantern for the thief' };
    const answer = await whileReplaced(email, () => thief.submit(page, 'Change password', answers));
    expect([400, 401, 403]).toContain(answer.status);
    expect((await thief.get('/account/security')).status).toBe(303);
  });
});
