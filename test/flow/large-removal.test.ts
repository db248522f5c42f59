/** What very much hangs on goes in steps: its rights end with the first of them, everything is gone after the last. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { issueToken } from '../support/issue-token.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect } from '../support/oauth.ts';

const actor = { id: 'command' };

describe.each(engines)('removing what six hundred authorizations hang on, on %s', (engine) => {
  let mandate: TestMandate;
  let owner: Administrator;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
    owner = await signInToApi(mandate.issuer, 'owner@acme.test');
  });
  afterAll(() => mandate.stop());

  /** @returns a token of the last of them */
  async function handOut(of: { userId: string; clientId: string }): Promise<string> {
    const { store, stores, clock } = mandate;
    const ids: string[] = [];
    await store.transact(async (trx) => {
      for (let n = 0; n < 600; n++) {
        const choice = { capabilities: ['api'], projects: [], mcpServers: [], asked: [], expiresAt: null };
        const made = { kind: 'oauth2', ...of, resource: demo.api, ...choice } as const;
        ids.push((await stores.authorizations.insert(trx, actor, made)).id);
      }
    });
    const authorizationId = ids.at(-1) ?? '';
    const issued = { authorizationId, clientId: of.clientId, audience: demo.api, issuedAt: clock.now() };
    const token = await issueToken(store, issued);
    expect((await introspect(mandate.issuer, token)).active).toBe(true);
    return token;
  }
  const changesOf = async (after: number) => {
    const rows = await mandate.store.db
      .selectFrom('changes')
      .select(['subject', 'action'])
      .where('seq', '>', after)
      .orderBy('seq')
      .execute();
    return [...new Set(rows.map(({ subject, action }) => `${subject} ${action}`))];
  };
  const lastChange = async () =>
    (await mandate.store.db.selectFrom('change_counter').select('n').executeTakeFirstOrThrow()).n;
  const standing = async (column: 'user_id' | 'client_id', id: string) =>
    await mandate.store.db
      .selectFrom('authorizations')
      .select('id')
      .where(column, '=', id)
      .where('status', '<>', 'revoked')
      .execute();

  test('a client is disabled first, and then gone with all of them', async () => {
    const editor = await mandate.stores.users.findByEmail('editor@acme.test');
    await mandate.stores.clients.saveRegistered(actor, { id: 'popular', metadata: { client_name: 'P' } });
    const token = await handOut({ userId: editor?.id ?? '', clientId: 'popular' });
    const before = await lastChange();

    const stale = await owner.call('DELETE', '/clients/popular', undefined, { 'if-match': '"7"' });
    expect(stale.status).toBe(412);
    expect(await lastChange()).toBe(before);
    expect((await introspect(mandate.issuer, token)).active).toBe(true);

    const gone = await owner.call('DELETE', '/clients/popular', undefined, { 'if-match': '"1"' });
    expect(gone.status).toBe(204);
    expect(await introspect(mandate.issuer, token)).toEqual({ active: false });
    expect(await standing('client_id', 'popular')).toEqual([]);
    expect(await mandate.stores.clients.find('popular')).toBeUndefined();
    expect(await changesOf(before)).toEqual(['client disabled', 'authorization revoked', 'client removed']);
  });

  test('a person is suspended first, and then gone with all of them', async () => {
    const made = await mandate.stores.users.create(actor, {
      kind: 'person',
      email: 'm@acme.test',
      name: 'M',
    });
    if (made.outcome !== 'created') throw new Error(made.outcome);
    const { id } = made.user;
    const role = await mandate.stores.roles.findBySlug('member');
    await mandate.stores.users.assign(actor, { userId: id, roleId: role?.id ?? '', projectId: null });
    const token = await handOut({ userId: id, clientId: demo.web.id });
    const before = await lastChange();
    const version = (await mandate.stores.users.findById(id))?.version;

    const gone = await owner.call('DELETE', `/users/${id}`, undefined, { 'if-match': `"${version}"` });
    expect(gone.status).toBe(204);
    expect(await introspect(mandate.issuer, token)).toEqual({ active: false });
    expect(await standing('user_id', id)).toEqual([]);
    const told = await changesOf(before);
    expect(told.slice(0, 2)).toEqual(['user suspended', 'authorization revoked']);
    expect(told.at(-1)).toBe('user removed');
  });
});
