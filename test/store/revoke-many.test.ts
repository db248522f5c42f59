import { spawn } from 'node:child_process';
import { once } from 'node:events';
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

  test('that is killed in the middle has each of them whole, and goes on when it is asked again', async () => {
    const { authorizations, store, url } = stores;
    const owner = await makeUser(stores, 'killed@acme.test');
    await store.transact(async (trx) => {
      const content = { capabilities: [], projects: [], mcpServers: [], asked: [], expiresAt: null };
      const grants = [];
      for (let i = 0; i < 1_200; i++) {
        const made = { kind: 'oauth2', userId: owner, clientId: 'tool', ...content } as const;
        const { id } = await authorizations.insert(trx, actor, made);
        grants.push({
          model: 'Grant',
          key: id,
          grant_id: id,
          client_id: 'tool',
          payload: '{}',
          expires_at: 2_000_000_000,
        });
      }
      await trx.insertInto('oidc_artifacts').values(grants).execute();
    });
    const standing = async () => {
      const rows = await store.db
        .selectFrom('authorizations')
        .select('id')
        .where('user_id', '=', owner)
        .where('status', '=', 'active')
        .orderBy('id')
        .execute();
      return rows.map(({ id }) => id);
    };
    const all = await standing();
    const file = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { openField } from ${file('../bench/field.ts')};
         const { stores } = await openField(${JSON.stringify(url)});
         process.stdout.write('begun');
         await stores.authorizations.revokeAll({ id: 'command' }, { userId: ${JSON.stringify(owner)} });`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    while ((await standing()).length === all.length && child.exitCode === null) {
      await new Promise((resume) => setTimeout(resume, 1));
    }
    child.kill('SIGKILL');
    await exited;
    // What its connection was still asked to do on PostgreSQL ends with it.
    await store.transact(async (trx) => {
      await trx.updateTable('change_counter').set({ id: 1 }).execute();
    });

    const whole = async () => {
      const left = await standing();
      const grants = await store.db
        .selectFrom('oidc_artifacts')
        .select('key')
        .where('key', 'in', all)
        .orderBy('key')
        .execute();
      expect(grants.map(({ key }) => key)).toEqual(left);
      const told = await store.db
        .selectFrom('changes')
        .select('subject_id')
        .where('action', '=', 'revoked')
        .where('subject_id', 'in', all)
        .orderBy('subject_id')
        .execute();
      expect(told.map((row) => row.subject_id)).toEqual(all.filter((id) => !left.includes(id)));
      return left;
    };
    const left = await whole();
    expect(left.length).toBeLessThan(all.length);
    expect(await authorizations.revokeAll(actor, { userId: owner })).toBe(left.length);
    expect(await whole()).toEqual([]);
  });
});
