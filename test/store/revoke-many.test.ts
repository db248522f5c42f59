import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { actor, makeUser, openStores, type Stores } from './open-stores.ts';

describe.each(engines)('RV-08: revoking everything that a user handed out, on %s', (engine) => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await openStores(engine);
  });
  afterAll(() => stores.close());

  test('ends each one with its artifacts, tells of each one in order, and leaves those of others', async () => {
    const { authorizations, store } = stores;
    const [ours, other] = [await makeUser(stores, 'a@acme.test'), await makeUser(stores, 'b@acme.test')];
    const ids: string[] = [];
    await store.transact(async (trx) => {
      for (let i = 0; i < 250; i++) {
        const made = await authorizations.insert(trx, actor, {
          kind: 'oauth2',
          userId: i === 0 ? other : ours,
          clientId: 'tool',
          capabilities: [],
          projects: [],
          mcpServers: [],
          asked: [],
          expiresAt: null,
        });
        if (i > 0) ids.push(made.id);
        for (const model of ['Grant', 'RefreshToken']) {
          await trx
            .insertInto('oidc_artifacts')
            .values({
              model,
              key: `${model}-${i}`,
              grant_id: made.id,
              account_id: null,
              client_id: 'tool',
              uid: null,
              user_code: null,
              payload: '{}',
              consumed_at: null,
              expires_at: 2_000_000_000,
            })
            .execute();
        }
      }
    });
    await authorizations.revoke(actor, ids[7] ?? '');
    const before = await store.db.selectFrom('change_counter').select('n').executeTakeFirstOrThrow();

    expect(await authorizations.revokeAll(actor, { userId: ours })).toBe(248);
    expect(await authorizations.revokeAll(actor, { userId: ours })).toBe(0);

    const told = await store.db
      .selectFrom('changes')
      .select(['seq', 'subject_id', 'action'])
      .where('seq', '>', before.n)
      .orderBy('seq')
      .execute();
    expect(told.map(({ seq }) => seq)).toEqual(told.map((_, index) => before.n + 1 + index));
    expect(told.map((row) => row.subject_id).sort()).toEqual(ids.filter((id) => id !== ids[7]).sort());
    expect(new Set(told.map(({ action }) => action))).toEqual(new Set(['revoked']));
    const left = await store.db.selectFrom('oidc_artifacts').select('key').orderBy('key').execute();
    expect(left.map(({ key }) => key)).toEqual(['Grant-0', 'RefreshToken-0']);
    expect((await authorizations.listByUser(other))[0]?.status).toBe('active');
  });
});
