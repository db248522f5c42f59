/** The log of changes is trimmed to an operator's age, and nobody who goes by it is misled: forced, on both databases. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openDatabase, type Store } from '../../db/open.ts';
import { copyDatabase } from '../../db/sqlite-files.ts';
import { carryEnds } from '../../src/carry-ends.ts';
import { createChangeFeed } from '../../src/changes/change-feed.ts';
import { createChangeLedger } from '../../src/changes/change-ledger.ts';
import { createFreshness } from '../../src/changes/freshness.ts';
import { createOldChanges } from '../../src/changes/old-changes.ts';
import { createGarbageCollector } from '../../src/oauth/collect-garbage.ts';
import { afterRestore, neededAfterRestore, suspendedByRestore } from '../../src/restoration.ts';
import { engines } from '../support/databases.ts';
import { actor, makeUser, openStores, type Stores } from './open-stores.ts';

const [day, days] = [86_400, 30];

const collectorOf = ({ store, clock }: Pick<Stores, 'store' | 'clock'>) =>
  createGarbageCollector({
    store,
    clock,
    oldChanges: createOldChanges({ store, clock, days, needed: neededAfterRestore({ store }) }),
  });
const makeKey = async ({ apiKeys }: Pick<Stores, 'apiKeys'>, userId: string, name: string) => {
  const nothing = { capabilities: ['api'], roles: [], projects: [], mcpServers: [], expiresAt: null };
  return (await apiKeys.create(actor, { userId, name, ...nothing })).authorization.id;
};

describe.each(engines)('trimming the log of changes on %s', (engine) => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await openStores(engine);
  });
  afterEach(() => stores.close());

  const collect = () => collectorOf(stores).collect();
  const numbers = async (): Promise<number[]> => {
    const rows = await stores.store.db.selectFrom('changes').select('seq').orderBy('seq').execute();
    return rows.map(({ seq }) => seq);
  };
  /** Records changes of one user. @returns the number of the last */
  const record = (count: number, id = 'usr_1') =>
    stores.store.transact((trx) =>
      stores.changes.recordMany(
        trx,
        actor,
        Array.from({ length: count }, () => ({ subject: 'user', id, action: 'changed' }) as const),
      ),
    );

  test('old changes go, young ones stay, and the newest stays however old it is', async () => {
    await record(3);
    stores.clock.advance(2 * day);
    await record(4);
    stores.clock.advance(days * day - 2 * day);
    await collect();
    // Thirty days to the second is not older than that.
    expect(await numbers()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    stores.clock.advance(1);
    expect(await collect()).toBe(3);
    expect(await numbers()).toEqual([4, 5, 6, 7]);
    expect(await collect()).toBe(0);
    stores.clock.advance(400 * day);
    await collect();
    expect(await numbers()).toEqual([7]);
    // Numbers go on where they were.
    expect(await record(1)).toBe(8);
    expect(await collect()).toBe(1);
    expect(await numbers()).toEqual([8]);
  });

  test('without the setting nothing goes, whatever its age', async () => {
    await record(3);
    stores.clock.advance(20_000 * day);
    await createGarbageCollector(stores).collect();
    expect(await numbers()).toEqual([1, 2, 3]);
  });

  test('an empty log is left alone', async () => {
    expect([await collect(), await numbers()]).toEqual([0, []]);
  });

  test('goes in steps of a bounded number of rows, the oldest first, and looks no further than the first young one', async () => {
    for (let times = 0; times < 2; times += 1) await record(500);
    stores.clock.advance(31 * day);
    const youngest = await record(1);
    // A clock that was put back: what was written after the young one is not reached, however old it says that it is.
    stores.clock.advance(-31 * day);
    await record(2);
    stores.clock.advance(31 * day);
    const { store } = stores;
    const steps: number[] = [];
    const stepwise: Store = {
      ...store,
      transactApart: async (work) => {
        const before = await numbers();
        const done = await store.transactApart(work);
        const left = await numbers();
        expect(left).toEqual(before.slice(before.length - left.length));
        steps.push(before.length - left.length);
        return done;
      },
    };
    expect(await collectorOf({ ...stores, store: stepwise }).collect()).toBe(1_000);
    expect(await numbers()).toEqual([youngest, youngest + 1, youngest + 2]);
    expect(steps[0]).toBe(100);
    // Each is at most twice the one before.
    for (const [index, rows] of steps.slice(1).entries()) {
      expect(rows).toBeLessThanOrEqual(2 * (steps[index] ?? 0));
    }
    expect(steps.length).toBeGreaterThan(3);
  }, 60_000);

  test('two nodes that trim at once leave the newest, and the same rows', async () => {
    await record(600);
    stores.clock.advance(31 * day);
    const other = await openDatabase(stores.url);
    try {
      const deleted = await Promise.all([
        collect(),
        collectorOf({ ...stores, store: other }).collect(),
        collect(),
      ]);
      expect(deleted.reduce((sum, count) => sum + count, 0)).toBe(599);
      expect(await numbers()).toEqual([600]);
    } finally {
      await other.close();
    }
  }, 60_000);

  test('a pass that is still under way is not begun twice', async () => {
    const release = Promise.withResolvers<void>();
    let passes = 0;
    const pass = () => {
      passes += 1;
      return async () => {
        await release.promise;
        return { deleted: 1, more: false };
      };
    };
    const collector = createGarbageCollector({ ...stores, oldChanges: { pass } });
    const first = collector.collect();
    while (passes === 0) await new Promise((resume) => setImmediate(resume));
    expect([await collector.collect(), passes]).toEqual([0, 1]);
    release.resolve();
    expect(await first).toBe(1);
    expect([await collector.collect(), passes]).toEqual([1, 2]);
  });

  test('a node that is behind the trimmed changes begins anew, and one that is not goes on', async () => {
    await record(1);
    const node = (store: Store) => {
      const ledger = createChangeLedger();
      const freshness = createFreshness({ store, ledger });
      const prove = () =>
        new Promise<void>((resolve, reject) => {
          freshness.prove((failure) => (failure === undefined ? resolve() : reject(failure)));
        });
      return { ledger, prove };
    };
    const [behind, inStep] = [node(stores.store), node(stores.store)];
    await behind.prove();
    await inStep.prove();
    const positions = [behind.ledger.position, inStep.ledger.position] as const;
    await record(3, 'usr_2');
    await inStep.prove();
    stores.clock.advance(31 * day);
    await record(2, 'usr_3');
    expect(await collect()).toBe(4);
    await behind.prove();
    await inStep.prove();
    expect(behind.ledger.unchangedSince(positions[0], ['user:usr_1'])).toBe(false);
    expect(inStep.ledger.unchangedSince(positions[1], ['user:usr_1'])).toBe(true);
    expect(inStep.ledger.unchangedSince(positions[1], ['user:usr_3'])).toBe(false);
  });

  test('whoever asks for what came after a trimmed change is told that anything may have changed', async () => {
    const feed = createChangeFeed(stores);
    await record(5);
    stores.clock.advance(31 * day);
    const last = await record(2);
    expect(await collect()).toBe(5);
    for (const seq of [0, 1, 4]) expect(await feed.since(seq)).toMatchObject({ flush: true, to: last });
    // All of what follows the last that went is there.
    for (const seq of [5, 6]) expect(await feed.since(seq)).toMatchObject({ flush: false, to: last });
    stores.clock.advance(400 * day);
    await collect();
    expect(await feed.since(5)).toMatchObject({ flush: true, to: last });
  });

  test('what a restore suspended waits for somebody’s word for as long as it takes, and no longer', async () => {
    const owner = await makeUser(stores, 'owner@acme.test');
    const [waiting, later, taken] = [
      await makeKey(stores, owner, 'waiting'),
      await makeKey(stores, owner, 'later'),
      await makeKey(stores, owner, 'taken'),
    ];
    await afterRestore(stores);
    stores.clock.advance(day);
    // Given back, and taken away by somebody: that is no restore's to give back, whatever of it is on record.
    await stores.authorizations.resume(actor, taken);
    await stores.authorizations.suspend({ id: owner }, taken);
    stores.clock.advance(100 * day);
    const newest = await record(1);
    await collect();
    expect(await suspendedByRestore(stores)).toEqual([waiting, later].sort());
    const left = await stores.store.db
      .selectFrom('changes')
      .select(['subject_id', 'actor'])
      .where('seq', '<', newest)
      .execute();
    expect(left.map(({ subject_id: id, actor: by }) => `${by} ${id}`).sort()).toEqual(
      [waiting, later].map((id) => `restore ${id}`).sort(),
    );
    expect(await collect()).toBe(0);

    await stores.authorizations.resume(actor, later);
    expect(await collect()).toBe(1);
    expect(await suspendedByRestore(stores)).toEqual([waiting]);
    await stores.authorizations.suspend({ id: owner }, later);
    stores.clock.advance(100 * day);
    await record(1);
    await collect();
    expect(await suspendedByRestore(stores)).toEqual([waiting]);
    await stores.authorizations.revoke(actor, waiting);
    await collect();
    expect(await suspendedByRestore(stores)).toEqual([]);
    const restored = await stores.store.db
      .selectFrom('changes')
      .select('seq')
      .where('actor', '=', 'restore')
      .execute();
    expect(restored).toEqual([]);
  });
});

test('a backup of which the replaced database has no change left takes no ends from it', async () => {
  const stores = await openStores('sqlite');
  const path = stores.url.slice('sqlite:'.length);
  const owner = await makeUser(stores, 'owner@acme.test');
  const key = await makeKey(stores, owner, 'key');
  copyDatabase(path, `${path}.backup`);
  const backup = await openDatabase(`sqlite:${path}.backup`);
  try {
    await stores.authorizations.revoke(actor, key);
    expect(carryEnds(backup, path)).toMatchObject({ authorizations: 1 });
    stores.clock.advance(31 * day);
    await makeUser(stores, 'young@acme.test');
    expect(await collectorOf(stores).collect()).toBeGreaterThan(0);
    expect(carryEnds(backup, path)).toBeUndefined();
  } finally {
    await backup.close();
    await stores.close();
  }
});
