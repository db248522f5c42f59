/** Whoever takes an account over gives it their own address: its person hears of it at the one that it had. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { actor, makeUser, openStores, type Stores } from './open-stores.ts';

describe.each(engines)('another address on %s', (engine) => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await openStores(engine);
  });
  afterAll(() => stores.close());

  const told = async () =>
    (await stores.outbox.claimDue(20)).map(({ letter }) => ({
      kind: letter?.kind,
      to: letter && 'to' in letter ? letter.to : undefined,
      what: letter?.kind === 'sign_in_changed' ? letter.what : undefined,
    }));
  const toFormer = { kind: 'sign_in_changed', to: 'ada@acme.test', what: 'address_changed' };

  test('is told at the former one, also where the password is changed with it; one that nobody signed in with is corrected in silence', async () => {
    const { users } = stores;
    const invited = await makeUser(stores, 'mistyped@acme.test');
    await users.update(actor, invited, { email: 'typed@acme.test' });
    expect(await told()).toEqual([]);

    const ada = await makeUser(stores, 'ada@acme.test');
    await users.update(actor, ada, { passwordHash: 'one' });
    await told();
    await users.update(actor, ada, { name: 'Ada', email: 'ADA@acme.test' });
    expect(await told()).toEqual([]);
    await users.update(actor, ada, { email: 'ada@acme.test' });
    await users.update(actor, ada, { email: 'thief@acme.test' });
    expect(await told()).toEqual([toFormer]);
    await users.update(actor, ada, { email: 'ada@acme.test' });
    await told();
    await users.update(actor, ada, { email: 'thief@acme.test', passwordHash: 'two' });
    const letters = await told();
    expect(letters).toHaveLength(2);
    expect(letters).toContainEqual(toFormer);
    expect(letters).toContainEqual({ kind: 'password_changed', to: 'thief@acme.test', what: undefined });
  });

  test('is told to whoever signs in without a password', async () => {
    const ben = await makeUser(stores, 'ben@acme.test');
    await stores.passkeyList.add(actor, {
      userId: ben,
      credentialId: 'credential',
      publicKey: 'key',
      transports: [],
      synced: false,
      name: 'Key',
      counter: 0,
    });
    await told();
    await stores.users.update(actor, ben, { email: 'other@acme.test' });
    expect(await told()).toEqual([{ ...toFormer, to: 'ben@acme.test' }]);
  });
});
