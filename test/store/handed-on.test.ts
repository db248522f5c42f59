/** Authorizations under another one, in either database: found again, counted only with what is above them, and told of together. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createChangeFeed } from '../../src/changes/change-feed.ts';
import { concerns } from '../../src/changes/concern.ts';
import { createAuthorizationRights } from '../../src/oauth/authorization-rights.ts';
import type { HandedOn } from '../../src/policy/handed-on.ts';
import { engines } from '../support/databases.ts';
import { actor, makeProject, makeRole, makeUser, openStores, type Stores } from './open-stores.ts';

describe.each(engines)('TX-02: what was handed on, on %s', (engine) => {
  let stores: Stores;
  let owner: string;
  let project: string;
  let role: string;
  beforeAll(async () => {
    stores = await openStores(engine);
    owner = await makeUser(stores, 'owner@acme.test');
    project = await makeProject(stores, 'atlas');
    role = await makeRole(stores, 'worker', 'api', 'flows:edit', 'apps:admin');
    await stores.users.assign(actor, { userId: owner, roleId: role, projectId: null });
    for (const id of ['tool', 'gateway', 'second']) {
      await stores.clients.saveRegistered(actor, { id, metadata: { redirect_uris: [] }, secret: 's' });
    }
  });
  afterAll(() => stores.close());

  const api: HandedOn = { names: undefined, from: undefined, to: { api: true, mcpServers: new Set() } };
  const only = (...names: string[]): HandedOn => ({ ...api, names: new Set(names) });
  const authorize = (expiresAt: number | null = null) =>
    stores.store.transact((trx) =>
      stores.authorizations.insert(trx, actor, {
        kind: 'oauth2',
        userId: owner,
        clientId: 'tool',
        capabilities: ['api', 'flows:edit'],
        projects: [{ id: project, roles: [role] }],
        mcpServers: [],
        asked: [],
        expiresAt,
      }),
    );
  const handOn = (
    parent: { id: string; userId: string },
    ceiling = api,
    { clientId = 'gateway', resource = 'https://api.test' } = {},
  ) => stores.handedOn.findOrMake(actor, { parent, clientId, resource, ceiling });
  const rights = () => createAuthorizationRights(stores);
  const held = async (id: string) => {
    const found = await rights().of(id);
    return found && [found.granted.standing, ...found.effective.organization];
  };

  test('the same exchange is one authorization, however many ask for it at once', async () => {
    const parent = await authorize();
    const made = await Promise.all(
      Array.from({ length: 6 }, () => handOn(parent, only('api', 'flows:edit'))),
    );
    const again = await handOn(parent, only('flows:edit', 'api'));
    expect(new Set([...made, again].map(({ id }) => id)).size).toBe(1);
    const others = [
      await handOn(parent, only('api')),
      await handOn(parent, api),
      await handOn(parent, api, { resource: 'https://other.test' }),
      await handOn(parent, api, { clientId: 'second' }),
    ];
    expect(new Set(others.map(({ id }) => id)).size).toBe(4);
    expect((await stores.handedOn.under(parent.id, 10)).length).toBe(5);
    expect(again).toMatchObject({
      parentId: parent.id,
      userId: owner,
      clientId: 'gateway',
      capabilities: [],
    });
  });

  test('it holds what its parent holds, and no more than its ceiling', async () => {
    const parent = await authorize();
    const whole = await handOn(parent);
    const part = await handOn(parent, only('flows:edit', 'apps:view'));
    expect(await held(whole.id)).toEqual(['active', 'api']);
    const found = await rights().of(part.id);
    expect(found?.effective.organization).toEqual([]);
    expect(found?.effective.projects).toMatchObject([{ id: project, actions: ['flows:edit'] }]);
    expect(found?.effective.withheld).toContainEqual({
      dimension: 'capability',
      identifier: 'apps:view',
      reason: 'parent_lacks',
    });
  });

  test('suspended with its parent and back, and gone with it', async () => {
    const parent = await authorize();
    const child = await handOn(parent);
    const grandchild = await handOn(child, only('api'), { clientId: 'second' });
    await stores.authorizations.suspend(actor, parent.id);
    expect([await held(child.id), await held(grandchild.id)]).toEqual([['suspended'], ['suspended']]);
    await stores.authorizations.resume(actor, parent.id);
    expect([await held(child.id), await held(grandchild.id)]).toEqual([
      ['active', 'api'],
      ['active', 'api'],
    ]);
    await stores.authorizations.suspend(actor, child.id);
    expect([await held(parent.id), await held(grandchild.id)]).toEqual([['active', 'api'], ['suspended']]);
    await stores.authorizations.resume(actor, child.id);
    await stores.clients.disable(actor, 'tool');
    expect(await held(child.id)).toEqual(['suspended']);
    await stores.clients.enable(actor, 'tool');
    await stores.authorizations.revoke(actor, parent.id);
    expect([await held(child.id), await held(grandchild.id)]).toEqual([['revoked'], ['revoked']]);
    const rows = await stores.handedOn.under(parent.id, 10);
    expect(rows.map(({ status }) => status)).toEqual(['revoked', 'revoked']);
  });

  test('whatever ends many at once ends what was handed on from them', async () => {
    const parent = await authorize();
    const child = await handOn(parent);
    const ended = await stores.authorizations.revokeAll(actor, { clientId: 'tool' });
    expect(ended).toBeGreaterThanOrEqual(2);
    expect((await stores.authorizations.find(child.id))?.status).toBe('revoked');
  });

  test('what was revoked stays so when the same is asked for again', async () => {
    const parent = await authorize();
    const child = await handOn(parent);
    await stores.authorizations.revoke(actor, child.id);
    expect(await handOn(parent)).toMatchObject({ id: child.id, status: 'revoked' });
    expect(await held(parent.id)).toEqual(['active', 'api']);
  });

  test('it ends with its parent, and its version moves with it', async () => {
    const parent = await authorize(stores.clock.now() + 500);
    const child = await handOn(parent);
    const before = (await rights().of(child.id))?.authorization;
    expect(before?.expiresAt).toBe(parent.expiresAt);
    await stores.authorizations.suspend(actor, parent.id);
    await stores.authorizations.resume(actor, parent.id);
    expect((await rights().of(child.id))?.authorization.version).toBe((before?.version ?? 0) + 2);
  });

  test('is no authorization of the client that exchanged, nor one of the lists of its owner', async () => {
    const parent = await authorize();
    const child = await handOn(parent, api, { clientId: 'second' });
    expect(await stores.authorizations.findByClient('second')).toBeUndefined();
    const listed = await stores.authorizationList.grants(owner, { limit: 100 });
    expect(listed.map(({ id }) => id)).toContain(parent.id);
    expect(listed.map(({ id }) => id)).not.toContain(child.id);
  });

  test('what it is used for counts for what it came from', async () => {
    const parent = await authorize();
    const grandchild = await handOn(await handOn(parent), only('flows:edit'));
    await stores.authorizationUses.record([
      { authorizationId: grandchild.id, capability: 'flows:edit', place: project },
      { authorizationId: grandchild.id, capability: 'flows:edit', place: 'prj_other' },
    ]);
    expect(await stores.authorizationUses.of(parent.id)).toMatchObject([
      { capability: 'flows:edit', place: project },
    ]);
  });

  test('beyond three above it nothing counts', async () => {
    let parent: { id: string; userId: string } = await authorize();
    for (let depth = 1; depth <= 3; depth++) parent = await handOn(parent);
    expect(await held(parent.id)).toEqual(['active', 'api']);
    expect(await held((await handOn(parent)).id)).toBeUndefined();
  });

  test('a change of the parent names what was handed on, to whom it concerns alone', async () => {
    const feed = createChangeFeed(stores);
    const parent = await authorize();
    const child = await handOn(parent);
    const grandchild = await handOn(child, only('api'), { resource: 'https://other.test' });
    const before = await feed.latest();
    await stores.authorizations.suspend(actor, parent.id);
    const batch = await feed.since(before);
    const names = (audience: string) =>
      [...batch.authorizations]
        .filter(([, { reaches }]) =>
          reaches.some((reach) =>
            concerns({ apiAudiences: [audience], mcpServers: [] }, reach, stores.catalogue),
          ),
        )
        .map(([id]) => id)
        .filter((id) => id !== parent.id);
    expect(batch.flush).toBe(false);
    expect(names('https://api.test')).toEqual([child.id]);
    expect(names('https://other.test')).toEqual([grandchild.id]);
    await stores.authorizations.resume(actor, parent.id);
    const latest = await feed.latest();
    await stores.clients.disable(actor, 'tool');
    expect([...(await feed.since(latest)).authorizations.keys()]).toEqual(
      expect.arrayContaining([parent.id, child.id, grandchild.id]),
    );
    await stores.clients.enable(actor, 'tool');
  });
});
