import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { NewAuthorization } from '../../src/authorizations/authorization-store.ts';
import { anotherMillisecond } from '../support/clock.ts';
import { engines } from '../support/databases.ts';
import { actor, changeLog, openStores, type Stores } from './open-stores.ts';

describe.each(engines)('authorizations on %s', (engine) => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await openStores(engine);
  });
  afterEach(() => stores.close());

  const content: NewAuthorization = {
    kind: 'oauth2',
    userId: 'usr_a',
    clientId: 'tool',
    resource: 'http://localhost:4100/api',
    install: 'browser',
    capabilities: ['api', 'flows:edit'],
    projects: [{ id: 'prj_a', roles: ['rol_e'] }],
    mcpServers: ['mcp_a'],
    asked: ['api'],
    expiresAt: null,
  };
  const install = {
    userId: 'usr_a',
    clientId: 'tool',
    resource: 'http://localhost:4100/api',
    install: 'browser',
  };
  const narrow = {
    capabilities: ['api'],
    projects: [],
    mcpServers: [],
    asked: ['api'],
    expiresAt: 1_790_000_060,
  };

  const insert = (change: Partial<NewAuthorization> = {}) =>
    stores.store.transact((trx) => stores.authorizations.insert(trx, actor, { ...content, ...change }));
  const replace = (id: string) =>
    stores.store.transact((trx) => stores.authorizations.replaceChoice(trx, actor, id, narrow));

  async function addArtifacts(grantId: string, count: number) {
    const model = (n: number) => (n === 0 ? 'Grant' : 'AccessToken');
    const rows = Array.from({ length: count }, (_, n) => ({
      model: model(n),
      key: `${grantId}-${n}`,
      grant_id: grantId,
      payload: '{}',
      expires_at: 1_790_003_600,
    }));
    while (rows.length > 0)
      await stores.store.db.insertInto('oidc_artifacts').values(rows.splice(0, 500)).execute();
  }
  const artifacts = () =>
    stores.store.db.selectFrom('oidc_artifacts').select(['model', 'grant_id']).execute();

  test('are kept and read back whole', async () => {
    const made = await insert();
    expect(await stores.authorizations.find(made.id)).toEqual(made);
    expect(made).toEqual({
      ...content,
      id: expect.stringMatching(/^az_/),
      renewedAt: expect.any(Number),
      name: null,
      status: 'active',
      followsOwner: false,
      roles: [],
      additions: [],
      version: 1,
      createdBy: 'command',
      createdAt: 1_790_000_000,
      updatedAt: 1_790_000_000,
      revokedAt: null,
      replayedAt: null,
      replayedFrom: null,
      parentId: null,
      handedOn: undefined,
      lastUse: null,
    });
    expect(await stores.authorizations.find('az_nothing')).toBeUndefined();
  });

  test('are found for the same install alone, and only while they stand', async () => {
    const made = await insert();
    await insert({ install: 'another browser' });
    await insert({ resource: null });
    expect(await stores.authorizations.findInstall(install)).toEqual(made);
    expect(await stores.authorizations.findInstall({ ...install, userId: 'usr_b' })).toBeUndefined();
    await stores.authorizations.revoke(actor, made.id);
    expect(await stores.authorizations.findInstall(install)).toBeUndefined();
    await insert({ expiresAt: stores.clock.now() + 10 });
    expect(await stores.authorizations.findInstall(install)).toBeDefined();
    stores.clock.advance(10);
    expect(await stores.authorizations.findInstall(install)).toBeUndefined();
  });

  test('take a new choice in place of the old one', async () => {
    const made = await insert();
    const result = await replace(made.id);
    expect(result).toMatchObject({
      outcome: 'done',
      authorization: { ...narrow, version: 2, status: 'active' },
    });
    expect(await stores.authorizations.find(made.id)).toMatchObject({ ...narrow, version: 2 });
  });

  test('never come back once they are revoked', async () => {
    const made = await insert();
    await stores.authorizations.revoke(actor, made.id);
    const ended = await stores.authorizations.find(made.id);
    expect(ended).toMatchObject({ status: 'revoked', revokedAt: 1_790_000_000, version: 2 });
    expect(await replace(made.id)).toEqual({ outcome: 'gone' });
    expect(await stores.authorizations.resume(actor, made.id)).toEqual({ outcome: 'gone' });
    expect(await stores.authorizations.suspend(actor, made.id)).toEqual({ outcome: 'gone' });
    expect(await stores.authorizations.find(made.id)).toEqual(ended);
    expect(await replace('az_nothing')).toEqual({ outcome: 'gone' });
  });

  test('never come back when a revocation and a new choice meet', async () => {
    const made = await insert();
    await Promise.all([replace(made.id), stores.authorizations.revoke(actor, made.id), replace(made.id)]);
    expect(await stores.authorizations.find(made.id)).toMatchObject({ status: 'revoked' });
  });

  test('take what the library keeps along when they are revoked, and nothing else', async () => {
    const made = await insert();
    await addArtifacts(made.id, 5);
    await addArtifacts('az_other', 2);
    expect(await stores.authorizations.revoke(actor, made.id)).toEqual({ outcome: 'done', changed: true });
    expect(new Set((await artifacts()).map((row) => row.grant_id))).toEqual(new Set(['az_other']));
    expect(await stores.authorizations.revoke(actor, made.id)).toEqual({ outcome: 'done', changed: false });
    expect(await stores.authorizations.revoke(actor, 'az_nothing')).toEqual({ outcome: 'not_found' });
    expect(await changeLog(stores)).toEqual(['authorization created', 'authorization revoked']);
  });

  test('lose the grant first and the rest in bounded form when they are revoked with a large family', async () => {
    const made = await insert();
    await addArtifacts(made.id, 1_501);
    await stores.authorizations.revoke(actor, made.id);
    const left = await artifacts();
    expect(left).toHaveLength(500);
    expect(left.some(({ model }) => model === 'Grant')).toBe(false);
  });

  test('are revoked in the caller’s transaction, or not at all', async () => {
    const made = await insert();
    await addArtifacts(made.id, 1);
    const failing = stores.store.transact(async (trx) => {
      await stores.authorizations.revoke(actor, made.id, trx);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await stores.authorizations.find(made.id)).toEqual(made);
    expect(await artifacts()).toHaveLength(1);
  });

  test('end together when their client or their user goes', async () => {
    await insert();
    await insert({ clientId: 'other' });
    const foreign = await insert({ userId: 'usr_b' });
    expect(await stores.authorizations.revokeAll(actor, { userId: 'usr_a' })).toBe(2);
    expect(await stores.authorizations.find(foreign.id)).toMatchObject({ status: 'active' });
    expect(await stores.authorizations.revokeAll(actor, { clientId: 'tool' })).toBe(1);
    expect(await stores.authorizations.revokeAll(actor, { clientId: 'tool' })).toBe(0);
  });

  test('pause and go on', async () => {
    const { id } = await insert();
    expect(await stores.authorizations.suspend(actor, id)).toEqual({ outcome: 'done', changed: true });
    expect(await stores.authorizations.suspend(actor, id)).toEqual({ outcome: 'done', changed: false });
    expect(await stores.authorizations.find(id)).toMatchObject({ status: 'suspended' });
    expect(await stores.authorizations.resume(actor, id)).toEqual({ outcome: 'done', changed: true });
    expect(await stores.authorizations.suspend(actor, 'az_nothing')).toEqual({ outcome: 'gone' });
  });

  test('remember that a refresh token came back', async () => {
    const { id } = await insert();
    await stores.store.transact((trx) => stores.authorizations.markReplayed(trx, actor, id, '203.0.113.9'));
    expect(await stores.authorizations.find(id)).toMatchObject({
      status: 'active',
      replayedAt: 1_790_000_000,
      replayedFrom: '203.0.113.9',
      version: 2,
    });
    expect(await changeLog(stores)).toEqual(['authorization created', 'authorization replayed']);
  });

  test('are listed newest first for their owner, and in pages for everyone', async () => {
    const first = await insert();
    stores.clock.advance(1);
    await anotherMillisecond();
    const second = await insert({ userId: 'usr_a', clientId: 'other' });
    stores.clock.advance(1);
    const foreign = await insert({ userId: 'usr_b' });
    expect(await stores.authorizations.listByUser('usr_a')).toEqual([second, first]);
    const all = await stores.authorizations.list({ limit: 10 });
    expect(new Set(all)).toEqual(new Set([first, second, foreign]));
    const page = await stores.authorizations.list({ limit: 2 });
    const rest = await stores.authorizations.list({ limit: 2, after: page.at(-1)?.id ?? '' });
    expect([...page, ...rest]).toEqual(all);
    expect(await stores.authorizations.list({ userId: 'usr_b', limit: 5 })).toEqual([foreign]);
  });

  test('of a service account’s client are found by the client', async () => {
    const own = await insert({
      install: null,
      followsOwner: true,
      capabilities: [],
      projects: [],
      mcpServers: [],
    });
    await insert();
    expect(await stores.authorizations.findByClient('tool')).toEqual(own);
    await stores.authorizations.revoke(actor, own.id);
    expect(await stores.authorizations.findByClient('tool')).toBeUndefined();
  });
});
