/** A client that gets an authorization while it is being cleared away stays: forced, in either order, on both databases. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createUnusedClients } from '../../src/clients/unused-clients.ts';
import { engines } from '../support/databases.ts';
import { actor, makeUser, openStores, type Stores } from './open-stores.ts';

type Transaction = Parameters<Parameters<Stores['store']['transact']>[0]>[0];

const id = 'dynamic-tool';

describe.each(engines)('clearing away unused clients on %s', (engine) => {
  let stores: Stores;
  let owner: string;
  beforeEach(async () => {
    stores = await openStores(engine);
    owner = await makeUser(stores, 'a@acme.test');
    await stores.clients.saveDynamic(actor, { id, metadata: { client_name: 'Tool' } });
    stores.clock.advance(2 * 86_400);
  });
  afterEach(() => stores.close());

  /** As a consent does it. @returns false when the client is gone */
  const authorize = async (trx: Transaction): Promise<boolean> => {
    if (!(await stores.clients.within(trx).keepInUse(id))) return false;
    await stores.authorizations.insert(trx, actor, {
      kind: 'oauth2',
      userId: owner,
      clientId: id,
      capabilities: [],
      projects: [],
      mcpServers: [],
      asked: [],
      expiresAt: null,
    });
    return true;
  };
  const isKnown = async () => (await stores.clients.find(id)) !== undefined;
  const isAuthorized = async () => (await stores.authorizations.listByUser(owner)).length > 0;

  /** Clears, with something done between the question which are unused and the removal of those. */
  const clear = (between: () => Promise<void>) => {
    const { store } = stores;
    return createUnusedClients({
      ...stores,
      store: {
        ...store,
        transactApart: async (work) => {
          await between();
          return await store.transactApart(work);
        },
      },
    }).clear();
  };

  test('removes what nobody authorized, and tells of it', async () => {
    expect(await clear(async () => {})).toBe(1);
    expect(await isKnown()).toBe(false);
    const last = await stores.store.db
      .selectFrom('changes')
      .select(['subject', 'subject_id', 'action'])
      .orderBy('seq', 'desc')
      .executeTakeFirst();
    expect(last).toEqual({ subject: 'client', subject_id: id, action: 'removed' });
  });

  test('leaves a client that was authorized after it was found to be unused', async () => {
    const cleared = await clear(async () => void (await stores.store.transact(authorize)));
    expect(cleared).toBe(0);
    expect([await isKnown(), await isAuthorized()]).toEqual([true, true]);
  });

  test('leaves a client whose authorization is not committed yet when it is to be removed', async () => {
    const written = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const authorizing = stores.store.transact(async (trx) => {
      await authorize(trx);
      written.resolve();
      await release.promise;
    });
    await written.promise;
    const clearing = clear(async () => {});
    // The removal waits for the row, or for its turn, meanwhile.
    await new Promise((resume) => setTimeout(resume, 100));
    release.resolve();
    await authorizing;
    expect(await clearing).toBe(0);
    expect([await isKnown(), await isAuthorized()]).toEqual([true, true]);
  });

  test('lets nobody authorize a client that is removed at this moment', async () => {
    const removed = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const { store } = stores;
    const clearing = createUnusedClients({
      ...stores,
      store: {
        ...store,
        transactApart: (work) =>
          store.transactApart(async (trx) => {
            const done = await work(trx);
            removed.resolve();
            await release.promise;
            return done;
          }),
      },
    }).clear();
    await removed.promise;
    const authorizing = store.transact(authorize);
    await new Promise((resume) => setTimeout(resume, 100));
    release.resolve();
    expect([await clearing, await authorizing]).toEqual([1, false]);
    expect([await isKnown(), await isAuthorized()]).toEqual([false, false]);
  });
});
