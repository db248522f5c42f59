import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { actor, changeLog, makeUser, openStores, type Stores } from './open-stores.ts';

describe.each(engines)('passkeys and challenges on %s', (engine) => {
  let stores: Stores;
  let userId: string;
  beforeAll(async () => {
    stores = await openStores(engine);
    userId = await makeUser(stores, 'ada@acme.test');
  });
  afterAll(() => stores.close());

  const passkey = (credentialId: string, counter = 0) => ({
    userId,
    credentialId,
    publicKey: 'key',
    counter,
    transports: ['internal'],
    synced: false,
    name: 'Laptop',
  });

  test('a credential belongs to one account, and only its owner renames or removes it', async () => {
    const { passkeyList } = stores;
    const other = await makeUser(stores, 'ben@acme.test');
    const made = await passkeyList.add(actor, passkey('one'));
    expect(await passkeyList.add(actor, { ...passkey('one'), userId: other })).toBeUndefined();
    expect(await passkeyList.rename(actor, other, made?.id ?? '', 'Mine')).toBe(false);
    expect(await passkeyList.remove(actor, other, made?.id ?? '')).toBe('not_found');
    expect(await passkeyList.rename(actor, userId, made?.id ?? '', 'Phone')).toBe(true);
    expect(await passkeyList.findByCredential('one')).toMatchObject({ userId, name: 'Phone' });
    await stores.users.update(actor, userId, { passwordHash: 'hash' });
    expect(await passkeyList.remove(actor, userId, made?.id ?? '')).toBe('removed');
    expect(await passkeyList.list(userId)).toEqual([]);
    expect((await changeLog(stores)).slice(-4)).toEqual([
      'user passkey_added',
      'user passkey_renamed',
      'user password_changed',
      'user passkey_removed',
    ]);
  });

  test('the last way to sign in is not taken: of two passkeys that go at once, one stays', async () => {
    const { passkeyList } = stores;
    const alone = await makeUser(stores, 'cleo@acme.test');
    const add = async (name: string) =>
      (await passkeyList.add(actor, { ...passkey(name), userId: alone }))?.id ?? '';
    const both = [await add('first'), await add('second')];
    const outcomes = await Promise.all(both.map((id) => passkeyList.remove(actor, alone, id)));
    expect(outcomes.sort()).toEqual(['last_way', 'removed']);
    const [left] = await passkeyList.list(alone);
    expect(await passkeyList.remove(actor, alone, 'psk_none')).toBe('not_found');
    const identity = { issuer: 'https://login.test', subject: 'cleo', email: 'cleo@acme.test', name: 'Cleo' };
    await stores.store.transact((trx) => stores.upstreamAccounts.link(trx, actor, alone, identity));
    expect(await passkeyList.remove(actor, alone, left?.id ?? '')).toBe('removed');
    const [linked] = await stores.upstreamAccounts.list(alone);
    expect(await stores.upstreamAccounts.unlink(actor, alone, linked?.id ?? '')).toBe('last_way');
  });

  test('a counter that goes on is kept, one that does not is refused, and zero stays zero', async () => {
    const { passkeyList } = stores;
    const counting = await passkeyList.add(actor, passkey('counts', 5));
    const still = await passkeyList.add(actor, passkey('does not'));
    if (!counting || !still) throw new Error('not added');
    expect(await passkeyList.used(counting, 6)).toBe(true);
    expect(await passkeyList.used(counting, 6)).toBe(false);
    expect(await passkeyList.used(counting, 0)).toBe(false);
    // Two uses of one count at the same time: one of them is a copy's.
    const both = await Promise.all([passkeyList.used(counting, 7), passkeyList.used(counting, 7)]);
    expect(both.sort()).toEqual([false, true]);
    expect(await passkeyList.used(still, 0)).toBe(true);
    expect(await passkeyList.used(still, 0)).toBe(true);
    expect(await passkeyList.findByCredential('does not')).toMatchObject({ synced: still.synced });
    expect(await passkeyList.used(still, 0, true)).toBe(true);
    expect(await passkeyList.findByCredential('does not')).toMatchObject({ synced: true });
    expect(await passkeyList.removeAll(actor, userId)).toBe(2);
  });

  test('a challenge is taken once, for its kind and its browser, while it is open', async () => {
    const { challenges, clock } = stores;
    await challenges.open('passkey_sign_in', 'browser', { value: 'asked' });
    expect(await challenges.take('passkey_sign_in', 'another')).toBeUndefined();
    expect(await challenges.take('passkey_new', 'browser')).toBeUndefined();
    const taken = await Promise.all(
      Array.from({ length: 5 }, () => challenges.take('passkey_sign_in', 'browser')),
    );
    const [one, ...more] = taken.filter((challenge) => challenge !== undefined);
    expect(more).toEqual([]);
    expect([one?.matches('asked'), one?.matches('guessed')]).toEqual([true, false]);

    await challenges.open('second_step', 'browser', { value: userId, userId });
    await challenges.open('second_step', 'browser', { value: userId, userId });
    expect(await challenges.find('second_step', 'browser')).toMatchObject({ userId });
    clock.advance(600);
    expect(await challenges.find('second_step', 'browser')).toBeUndefined();
    expect(await challenges.take('second_step', 'browser')).toBeUndefined();
  });

  test('everything goes with its account', async () => {
    const { store, passkeyList, secondFactors } = stores;
    await passkeyList.add(actor, passkey('last'));
    await secondFactors.begin({ id: userId, email: 'ada@acme.test' });
    await store.db.deleteFrom('users').where('id', '=', userId).execute();
    expect(await passkeyList.list(userId)).toEqual([]);
    expect(await secondFactors.begun({ id: userId, email: 'ada@acme.test' })).toBeUndefined();
  });
});
