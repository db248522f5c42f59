import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createApiKeyStore } from '../../src/authorizations/api-key-store.ts';
import { createAuthorizationEditor } from '../../src/authorizations/authorization-editor.ts';
import { createAuthorizationList } from '../../src/authorizations/authorization-list.ts';
import { createLastUseRecorder } from '../../src/authorizations/last-use.ts';
import { anotherMillisecond } from '../support/clock.ts';
import { engines } from '../support/databases.ts';
import { actor, changeLog, makeUser, openStores, type Stores } from './open-stores.ts';

const nothing = { capabilities: [], roles: [], projects: [], mcpServers: [] };

describe.each(engines)('API keys on %s', (engine) => {
  let stores: Stores;
  let userId: string;
  let keys: ReturnType<typeof createApiKeyStore>;

  beforeEach(async () => {
    stores = await openStores(engine);
    keys = createApiKeyStore(stores);
    userId = await makeUser(stores, 'owner@acme.test');
  });
  afterEach(() => stores.close());

  const make = (name = 'a key', expiresAt: number | null = null) =>
    keys.create(actor, { ...nothing, userId, name, capabilities: ['api'], expiresAt });

  test('a secret is found while it lives, and only its hash and its end are kept', async () => {
    const { authorization, secret } = await make();
    expect(await keys.findLive(secret)).toMatchObject({ authorizationId: authorization.id });
    expect(await keys.newestEndings([authorization.id])).toEqual(
      new Map([[authorization.id, `mk_…${secret.slice(-4)}`]]),
    );
    const rows = await stores.store.db.selectFrom('api_key_secrets').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(secret.slice(3, 20));
    expect(await changeLog(stores)).toContain('authorization created');
  });

  test('rotated by many at once, a key has two live secrets at the end, never none or three', async () => {
    const { authorization, secret } = await make();
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => keys.rotate(actor, authorization.id, 3_600)),
    );
    const secrets = [
      secret,
      ...outcomes.map((outcome) => (outcome.outcome === 'done' ? outcome.secret : '')),
    ];
    const alive = await Promise.all(secrets.map((one) => keys.findLive(one)));
    expect(alive.filter(Boolean)).toHaveLength(2);
    expect(await keys.liveSecrets(authorization.id)).toHaveLength(2);
    stores.clock.advance(3_600);
    expect(await keys.liveSecrets(authorization.id)).toHaveLength(1);
    expect(await keys.recordEnds()).toBe(1);
    expect(await keys.recordEnds()).toBe(0);
  });

  test('a rotation that fails leaves the old secret as it was', async () => {
    const { authorization, secret } = await make();
    const failing = createApiKeyStore({
      ...stores,
      changes: { ...stores.changes, record: () => Promise.reject(new Error('disk full')) },
    });
    await expect(failing.rotate(actor, authorization.id, 0)).rejects.toThrow('disk full');
    expect(await keys.findLive(secret)).toBeDefined();
    expect(await keys.liveSecrets(authorization.id)).toHaveLength(1);
  });

  test('revoked and expired keys get no new secret', async () => {
    const { authorization } = await make();
    await stores.authorizations.revoke(actor, authorization.id);
    expect(await keys.rotate(actor, authorization.id, 0)).toEqual({ outcome: 'gone' });
    const short = await make('short', stores.clock.now() + 10);
    stores.clock.advance(10);
    expect(await keys.rotate(actor, short.authorization.id, 0)).toEqual({ outcome: 'gone' });
  });

  test('revoked, expired and rotated out are told apart on record', async () => {
    const one = await make('one');
    await keys.rotate(actor, one.authorization.id, 0);
    await stores.authorizations.revoke(actor, one.authorization.id);
    await make('short', stores.clock.now() + 10);
    stores.clock.advance(10);
    await keys.recordEnds();
    expect(await changeLog(stores)).toEqual(
      expect.arrayContaining([
        'authorization rotated_out',
        'authorization rotated',
        'authorization revoked',
        'authorization expired',
      ]),
    );
  });

  test('a leaked secret is out of use for good, and its key is paused', async () => {
    const { authorization, secret } = await make();
    expect(await keys.disableLeaked(actor, secret)).toBe(true);
    expect(await keys.disableLeaked(actor, secret)).toBe(false);
    expect((await stores.authorizations.find(authorization.id))?.status).toBe('suspended');
    await stores.authorizations.resume(actor, authorization.id);
    expect(await keys.findLive(secret)).toBeUndefined();
    expect(await keys.rotate(actor, authorization.id, 3_600)).toMatchObject({ outcome: 'done' });
    expect(await keys.liveSecrets(authorization.id)).toHaveLength(1);
  });

  test('of ten edits of one version, one is made and the others learn of it', async () => {
    const editor = createAuthorizationEditor(stores);
    const { authorization } = await make();
    const edit = (name: string) =>
      editor.edit(actor, authorization.id, authorization.version, {
        ...nothing,
        capabilities: ['api'],
        expiresAt: null,
        name,
      });
    const outcomes = await Promise.all(Array.from({ length: 10 }, (_, at) => edit(`name ${at}`)));
    expect(outcomes.filter(({ outcome }) => outcome === 'done')).toHaveLength(1);
    expect(outcomes.filter(({ outcome }) => outcome === 'changed_meanwhile')).toHaveLength(9);
    await stores.authorizations.revoke(actor, authorization.id);
    expect(await editor.resume(actor, authorization.id, 3)).toEqual({ outcome: 'gone' });
    expect(await edit('late')).toEqual({ outcome: 'gone' });
  });

  test('an edit that says the same changes nothing', async () => {
    const editor = createAuthorizationEditor(stores);
    const { authorization } = await make();
    const { id, version, name, capabilities, roles, projects, mcpServers, expiresAt } = authorization;
    const content = { name, capabilities, roles, projects, mcpServers, expiresAt };
    expect(await editor.edit(actor, id, version, content)).toMatchObject({
      outcome: 'done',
      change: undefined,
    });
    expect((await stores.authorizations.find(id))?.version).toBe(version);
  });

  test('AK-05: a last use is written once a minute, whatever the number of questions and nodes', async () => {
    const { authorization } = await make();
    const node = () => createLastUseRecorder({ ...stores, onFailure: () => {} });
    const nodes = [node(), node()];
    const use = async (by: string) => {
      for (const recorder of nodes) {
        for (let times = 0; times < 50; times += 1) recorder.note(authorization.id, by, '192.0.2.1');
        await recorder.flush();
      }
      return (await stores.authorizations.find(authorization.id))?.lastUse;
    };
    const start = stores.clock.now();
    expect(await use('acme-api')).toEqual({ at: start, by: 'acme-api', from: '192.0.2.1' });
    stores.clock.advance(59);
    expect(await use('acme-mcp')).toMatchObject({ at: start, by: 'acme-api' });
    stores.clock.advance(1);
    expect(await use('acme-mcp')).toMatchObject({ at: start + 60, by: 'acme-mcp' });
    // No right depends on it: no answer is made anew for it.
    expect((await stores.authorizations.find(authorization.id))?.version).toBe(authorization.version);
  });

  test('many last uses are written apart from whoever answers, each as it was', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 30; n += 1) ids.push((await make(`key ${n}`)).authorization.id);
    const steps: string[] = [];
    const watched =
      (name: 'transact' | 'transactApart'): Stores['store']['transact'] =>
      (work) => {
        steps.push(name);
        return stores.store[name](work);
      };
    const store = {
      ...stores.store,
      transact: watched('transact'),
      transactApart: watched('transactApart'),
    };
    const recorder = createLastUseRecorder({
      ...stores,
      store,
      onFailure: (error) => {
        throw error;
      },
    });
    const usesOf = async () => {
      const found = await Promise.all(ids.map((id) => stores.authorizations.find(id)));
      return found.map((authorization) => authorization?.lastUse);
    };
    const start = stores.clock.now();
    const by = (n: number) => (n % 2 === 0 ? 'acme-api' : 'acme-mcp');
    for (const [n, id] of ids.entries()) recorder.note(id, by(n), '192.0.2.1');
    await recorder.flush();
    const first = ids.map((_, n) => ({ at: start, by: by(n), from: '192.0.2.1' }));
    expect(await usesOf()).toEqual(first);
    stores.clock.advance(60);
    recorder.note(ids[0] ?? '', 'acme-api', '192.0.2.2');
    await recorder.flush();
    expect(await usesOf()).toEqual([
      { at: start + 60, by: 'acme-api', from: '192.0.2.2' },
      ...first.slice(1),
    ]);
    expect(steps).toEqual(['transactApart', 'transact']);
  });

  test('lists keys newest first, a page at a time, found by name or owner', async () => {
    const list = createAuthorizationList(stores);
    const other = await makeUser(stores, 'other@acme.test');
    for (const name of ['alpha', 'beta', 'gamma']) {
      await make(name);
      await anotherMillisecond();
    }
    await keys.create(actor, { ...nothing, userId: other, name: 'delta', expiresAt: null });
    const names = async (...query: Parameters<typeof list.keys>) =>
      (await list.keys(...query)).map(({ authorization }) => authorization.name);
    const own = { kind: 'own', userId } as const;
    expect(await names(own, { limit: 2 })).toEqual(['gamma', 'beta']);
    const [, last] = await list.keys(own, { limit: 2 });
    expect(await names(own, { limit: 2, before: last?.authorization.id ?? '' })).toEqual(['alpha']);
    expect(await names({ kind: 'everyone' }, { limit: 9 })).toEqual(['delta', 'gamma', 'beta', 'alpha']);
    expect(await names({ kind: 'everyone' }, { limit: 9, search: 'OTHER@' })).toEqual(['delta']);
    expect(await names({ kind: 'everyone' }, { limit: 9, search: '%' })).toEqual([]);
    expect(await names(own, { limit: 9, search: 'ALPHA' })).toEqual(['alpha']);
    expect(await names({ kind: 'own_and_service_accounts', userId }, { limit: 9 })).toHaveLength(3);
  });
});
