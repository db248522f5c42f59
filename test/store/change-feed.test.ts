/** What a change means to somebody who remembers answers, read from the log of either engine. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ChangeFeed, createChangeFeed } from '../../src/changes/change-feed.ts';
import type { Change } from '../../src/changes/change-log.ts';
import { engines } from '../support/databases.ts';
import { actor, makeProject, makeRole, makeUser, openStores, type Stores } from './open-stores.ts';

describe.each(engines)('on %s', (engine) => {
  let stores: Stores;
  let feed: ChangeFeed;
  let owner: string;
  beforeAll(async () => {
    stores = await openStores(engine);
    feed = createChangeFeed(stores);
    owner = await makeUser(stores, 'owner@acme.test');
  });
  afterAll(() => stores.close());

  const choice = (capabilities: string[], mcpServers: string[] = []) => ({
    capabilities,
    projects: [],
    mcpServers,
    asked: [],
    expiresAt: null,
  });
  const authorize = (userId: string, capabilities = ['api']) =>
    stores.store.transact(async (trx) => {
      const whole = { kind: 'oauth2' as const, userId, clientId: null, ...choice(capabilities) };
      return (await stores.authorizations.insert(trx, actor, whole)).id;
    });
  const record = (...changes: Change[]) =>
    stores.store.transact(async (trx) => {
      for (const change of changes) await stores.changes.record(trx, actor, change);
    });
  /** What is told of all that a piece of work changes. */
  const toldOf = async (work: () => Promise<unknown>) => {
    const before = await feed.latest();
    await work();
    const batch = await feed.since(before);
    expect(batch.to).toBe(await feed.latest());
    return batch;
  };

  test('names an authorization with what it reached before and what it reaches now', async () => {
    const id = await authorize(owner, ['api', 'mcp']);
    const batch = await toldOf(() =>
      stores.store.transact(async (trx) => {
        await stores.authorizations.replaceChoice(trx, actor, id, choice(['mcp'], ['mcp_1']));
        await stores.authorizations.replaceChoice(trx, actor, id, choice(['mcp']));
      }),
    );
    expect(batch.flush).toBe(false);
    const named = batch.authorizations.get(id);
    expect(named).toMatchObject({ version: 3, seq: batch.to });
    expect(named?.reaches.some(({ capabilities }) => capabilities?.includes('api'))).toBe(true);
    expect(named?.reaches.some(({ mcpServers }) => mcpServers?.includes('mcp_1'))).toBe(true);
  });

  test('says nothing of what nobody can remember: what has just been made', async () => {
    const batch = await toldOf(async () => {
      await authorize(await makeUser(stores, 'new@acme.test'));
      await makeRole(stores, 'new-role', 'api');
    });
    expect([batch.flush, batch.authorizations.size]).toEqual([false, 0]);
  });

  test('names the authorizations of a user while they are few, and flushes when they are not', async () => {
    const busy = await makeUser(stores, 'busy@acme.test');
    const ids = [await authorize(busy), await authorize(busy)];
    const few = await toldOf(() => stores.users.suspend(actor, busy));
    expect([few.flush, [...few.authorizations.keys()].sort()]).toEqual([false, ids.sort()]);
    for (let n = 0; n < 200; n++) await authorize(busy);
    const many = await toldOf(() => stores.users.resume(actor, busy));
    expect([many.flush, many.authorizations.size]).toEqual([true, 0]);
  }, 30_000);

  test('names an authorization of a user that is ended or narrowed while the change of the user is read', async () => {
    const careful = await makeUser(stores, 'careful@acme.test');
    const [ended, narrowed] = [await authorize(careful), await authorize(careful, ['api', 'mcp'])];
    let meanwhile: (() => Promise<void>) | undefined = async () => {
      await stores.authorizations.revoke(actor, ended);
      await stores.store.transact((trx) =>
        stores.authorizations.replaceChoice(trx, actor, narrowed, choice([])),
      );
    };
    // After the first thing that it reads.
    const db = stores.store.db.withPlugin({
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        const work = meanwhile;
        meanwhile = undefined;
        await work?.();
        return result;
      },
    });
    const before = await feed.latest();
    await stores.users.suspend(actor, careful);
    const suspended = await feed.latest();
    const batch = await createChangeFeed({ store: { ...stores.store, db } }).since(before);
    expect([batch.to, batch.flush]).toEqual([suspended, false]);
    expect([...batch.authorizations.keys()].sort()).toEqual([ended, narrowed].sort());
    expect(batch.authorizations.get(ended)?.seq).toBe(suspended);
    expect(batch.authorizations.get(narrowed)?.reaches).toContainEqual(
      expect.objectContaining({ capabilities: ['api', 'mcp'] }),
    );
    expect([...(await feed.since(suspended)).authorizations.keys()].sort()).toEqual([ended, narrowed].sort());
  });

  test('flushes upon a role, a project, a server, and whatever it does not know', async () => {
    const role = await makeRole(stores, 'edited', 'api');
    expect((await toldOf(() => stores.roles.update(actor, role, { permissions: [] }))).flush).toBe(true);
    expect((await toldOf(() => makeProject(stores, 'novum'))).flush).toBe(true);
    const server = await toldOf(() => record({ subject: 'mcp_server', id: 'mcp_1', action: 'disabled' }));
    expect([server.flush, server.guardsChanged]).toEqual([true, true]);
    const strange = { subject: 'galaxy' as 'role', id: 'x', action: 'moved' };
    expect((await toldOf(() => record(strange))).flush).toBe(true);
    const gone = { subject: 'authorization', id: 'az_gone', action: 'changed' } as const;
    expect((await toldOf(() => record(gone))).flush).toBe(true);
  });

  test('names the resource server that changed', async () => {
    const batch = await toldOf(() => record({ subject: 'resource_server', id: 'rs_1', action: 'changed' }));
    expect([batch.flush, [...(batch.resourceServers ?? [])]]).toEqual([false, ['rs_1']]);
  });

  test('does not know what happened when there is too much of it or a number has no row', async () => {
    const change = { subject: 'user', id: owner, action: 'changed' } as const;
    const many = await toldOf(() => record(...Array.from({ length: 1_001 }, () => change)));
    expect(many).toMatchObject({ flush: true, resourceServers: undefined, guardsChanged: true });
    const before = await feed.latest();
    await record(change, change);
    await stores.store.db
      .deleteFrom('changes')
      .where('seq', '=', before + 1)
      .execute();
    expect(await feed.since(before)).toMatchObject({ flush: true, to: before + 2 });
    await stores.store.db.deleteFrom('changes').execute();
    expect(await feed.since(before)).toMatchObject({
      flush: true,
      to: before + 2,
      resourceServers: undefined,
    });
  });
});
