import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openPolicy, type Policy } from '../../src/policy/policy.ts';
import { engines } from '../support/databases.ts';
import { actor, changeLog, makeUser, openStores, type Stores } from './open-stores.ts';

const day = 86_400;
const strict: Policy = {
  longest: { oauth2: 30 * day, api_key: null },
  capabilities: new Map([['secrets:edit', { longest: day, approval: true }]]),
  clients: {
    permitted: 'hosts',
    hosts: new Map([
      ['tool.test', 'allow'],
      ['bad.test', 'deny'],
    ]),
  },
};

describe.each(engines)('policies on %s', (engine) => {
  let stores: Stores;
  let userId: string;
  beforeAll(async () => {
    stores = await openStores(engine);
    userId = await makeUser(stores, 'person@acme.test');
  });
  afterAll(() => stores.close());

  const set = (policy: Policy) => stores.store.transact((trx) => stores.policies.replace(trx, actor, policy));
  const authorize = (kind: 'oauth2' | 'api_key', clientId: string | null = null) =>
    stores.store.transact((trx) =>
      stores.authorizations.insert(trx, actor, {
        kind,
        userId,
        clientId,
        capabilities: ['api', 'secrets:edit'],
        projects: [],
        mcpServers: [],
        asked: [],
        expiresAt: null,
      }),
    );
  const lastChanges = async (count: number) => (await changeLog(stores)).slice(-count);

  test('bound nothing until somebody says so', async () => {
    expect(await stores.policies.read()).toEqual({ policy: openPolicy, version: 1, updatedAt: 0 });
  });

  test('are replaced as a whole, put on record, and left alone when nothing is different', async () => {
    expect(await set(strict)).toBe(true);
    expect(await stores.policies.read()).toEqual({
      policy: strict,
      version: 2,
      updatedAt: stores.clock.now(),
    });
    expect(await set(strict)).toBe(false);
    expect((await stores.policies.read()).version).toBe(2);
    expect(await lastChanges(1)).toEqual(['policy updated']);
    const [change] = await stores.history.of('policy', 'organization', 5);
    expect(change?.after).toEqual({
      longest: { oauth2: 30 * day, api_key: null },
      capabilities: { 'secrets:edit': { longest: day, approval: true } },
      clients: { permitted: 'hosts', hosts: { 'bad.test': 'deny', 'tool.test': 'allow' } },
    });
  });

  test('are read with approvals and clients into the limits of each authorization', async () => {
    await set(strict);
    const save = (id: string, uri: string) =>
      stores.clients.saveDynamic(actor, { id, metadata: { redirect_uris: [uri] } });
    await save('good', 'https://TOOL.test/callback');
    await save('bad', 'https://bad.test:8443/callback');
    const of = async (clientId: string | null, kind: 'oauth2' | 'api_key' = 'oauth2') =>
      stores.policyLimits.of(await authorize(kind, clientId));
    expect(await of('good')).toMatchObject({
      everything: undefined,
      capabilities: new Map([['secrets:edit', 'policy']]),
      end: stores.clock.now() + 30 * day,
    });
    expect(await of('bad')).toMatchObject({ everything: 'client_not_permitted' });
    expect(await of(null, 'api_key')).toMatchObject({
      everything: undefined,
      end: Number.POSITIVE_INFINITY,
    });
  });

  test('count from the last choice of an end', async () => {
    const { id, version, renewedAt } = await authorize('api_key');
    expect(renewedAt).toBe(stores.clock.now());
    stores.clock.advance(100);
    const content = { name: null, capabilities: ['api'], roles: [], projects: [], mcpServers: [] };
    const edit = (at: number, expiresAt: number | null) =>
      stores.authorizationEditor.edit(actor, id, at, { ...content, expiresAt });
    await edit(version, null);
    expect((await stores.authorizations.find(id))?.renewedAt).toBe(renewedAt);
    await edit(version + 1, stores.clock.now() + day);
    expect((await stores.authorizations.find(id))?.renewedAt).toBe(renewedAt + 100);
    stores.clock.advance(100);
    const choice = { capabilities: ['api'], projects: [], mcpServers: [], asked: [], expiresAt: null };
    await stores.store.transact((trx) => stores.authorizations.replaceChoice(trx, actor, id, choice));
    expect((await stores.authorizations.find(id))?.renewedAt).toBe(renewedAt + 200);
  });

  describe('approvals', () => {
    const follow = (id: string, granted: string[], asked: string[]) =>
      stores.store.transact((trx) =>
        stores.approvals.follow(trx, actor, id, { granted, asked, justification: 'to rotate keys' }),
      );
    const decide = (id: string, version: number, status: 'approved' | 'declined') =>
      stores.store.transact((trx) =>
        stores.approvals.decide(trx, actor, { id, version, status, note: 'fine' }),
      );

    test('wait, are decided once, and move the version of what they are for', async () => {
      const { id, version } = await authorize('oauth2');
      await follow(id, ['secrets:edit'], ['secrets:edit']);
      const [waiting] = await stores.approvals.of([id]);
      expect(waiting).toMatchObject({ status: 'pending', capability: 'secrets:edit', version: 1 });
      expect(await stores.approvals.countPending()).toBe(1);
      expect(await decide(waiting?.id ?? '', 2, 'approved')).toEqual({ outcome: 'changed_meanwhile' });
      expect((await stores.authorizations.find(id))?.version).toBe(version);
      const decided = await decide(waiting?.id ?? '', 1, 'approved');
      expect(decided).toMatchObject({ outcome: 'done', approval: { status: 'approved', note: 'fine' } });
      expect((await stores.authorizations.find(id))?.version).toBe(version + 1);
      expect(await decide(waiting?.id ?? '', 2, 'declined')).toEqual({ outcome: 'changed_meanwhile' });
      expect(await decide('apr_none', 1, 'declined')).toEqual({ outcome: 'not_found' });
      expect(await lastChanges(2)).toEqual([
        'authorization approval_requested',
        'authorization approval_given',
      ]);
      expect(await stores.approvals.list({ status: 'pending', limit: 5 })).toEqual([]);
    });

    test('go with the capability, and are new ones when they are asked for again', async () => {
      const { id } = await authorize('oauth2');
      await follow(id, ['secrets:edit'], ['secrets:edit']);
      const [first] = await stores.approvals.of([id]);
      await decide(first?.id ?? '', 1, 'approved');
      await follow(id, ['api'], []);
      expect(await stores.approvals.of([id])).toEqual([]);
      await follow(id, ['api', 'secrets:edit'], ['secrets:edit']);
      const [second] = await stores.approvals.of([id]);
      expect(second).toMatchObject({ status: 'pending' });
      expect(second?.id).not.toBe(first?.id);
      expect(await decide(first?.id ?? '', 1, 'approved')).toEqual({ outcome: 'not_found' });
    });
  });
});
