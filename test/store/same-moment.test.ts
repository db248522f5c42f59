/** Two who write at the same moment: what the one has committed is not undone by what the other had read before. Forced, on both databases. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createGarbageCollector } from '../../src/oauth/collect-garbage.ts';
import { engines } from '../support/databases.ts';
import { inTheMiddle } from '../support/in-the-middle.ts';
import { actor, makeUser, openStores, type Stores } from './open-stores.ts';

const nothing = { capabilities: ['api'], roles: [], projects: [], mcpServers: [], expiresAt: null };

describe.each(engines)('on %s', (engine) => {
  let stores: Stores;
  let userId: string;
  beforeEach(async () => {
    stores = await openStores(engine);
    userId = await makeUser(stores, 'ada@acme.test');
  });
  afterEach(() => stores.close());

  test.each([
    [{ passwordHash: 'another' }, { name: 'Ada Lovelace' }],
    [{ email: 'lovelace@acme.test' }, { passwordHash: 'another' }],
  ])('a change of %j is not undone by one of %j', async (one, other) => {
    const { users } = stores;
    await inTheMiddle(
      stores.store,
      (trx) => users.within(trx).update(actor, userId, one),
      () => users.update(actor, userId, other),
    );
    const email = 'email' in one ? one.email : 'ada@acme.test';
    expect(await users.findByEmail(email ?? '')).toMatchObject({ ...one, ...other });
  });

  test('what somebody prolongs while it is being cleared away stays', async () => {
    const { store, clock } = stores;
    const now = clock.now();
    const session = { user_id: userId, signed_in_at: now, last_seen_at: now, expires_at: now - 1 };
    await store.db
      .insertInto('sessions')
      .values([
        { id: 'one', uid: 'one', ...session },
        { id: 'other', uid: 'other', ...session },
      ])
      .execute();
    const deleted = await inTheMiddle(
      stores.store,
      (trx) =>
        trx
          .updateTable('sessions')
          .set({ expires_at: now + 600 })
          .where('id', '=', 'one')
          .execute(),
      () => createGarbageCollector({ store, clock }).collect(),
    );
    expect(deleted).toBe(1);
    expect(await store.db.selectFrom('sessions').select('id').execute()).toEqual([{ id: 'one' }]);
  });

  test('a leaked secret and an edit of its key wait for each other in turn', async () => {
    const { apiKeys, changes, authorizations } = stores;
    const { authorization, secret } = await apiKeys.create(actor, { userId, name: 'a key', ...nothing });
    const { id } = authorization;
    const disabled = await inTheMiddle(
      stores.store,
      (trx) =>
        trx
          .updateTable('authorizations')
          .set({ name: 'another name', version: authorization.version + 1 })
          .where('id', '=', id)
          .execute(),
      () => apiKeys.disableLeaked(actor, secret),
      (trx) => changes.record(trx, actor, { subject: 'authorization', id, action: 'changed' }),
    );
    expect(disabled).toBe(true);
    expect(await authorizations.find(id)).toMatchObject({ name: 'another name', status: 'suspended' });
    expect(await apiKeys.findLive(secret)).toBeUndefined();
  });
});
