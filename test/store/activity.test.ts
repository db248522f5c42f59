import { afterEach, describe, expect, test } from '@jest/globals';
import { openDatabase } from '../../db/open.ts';
import { createActivityRecorder } from '../../src/operations/activity-recorder.ts';
import { bucketOf, createActivityStore } from '../../src/operations/activity-store.ts';
import { createTally } from '../../src/operations/tally.ts';
import { engines } from '../support/databases.ts';
import { openStores, type Stores } from './open-stores.ts';

const noon = bucketOf('day', 1_790_000_000) + 12 * 3_600;

describe.each(engines)('what happened how often, on %s', (engine) => {
  const cleanUps: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });
  async function open(): Promise<Stores> {
    const stores = await openStores(engine);
    cleanUps.push(stores.close);
    stores.clock.advance(noon - stores.clock.now());
    return stores;
  }
  const fail = (error: unknown) => {
    throw error;
  };

  test('is one row for each hour and each day, and moves no change counter', async () => {
    const { activity, clock, store } = await open();
    const tally = createTally();
    const recorder = createActivityRecorder({ tally, activity, onFailure: fail });
    const before = await store.db.selectFrom('change_counter').select('n').executeTakeFirstOrThrow();
    tally.of('introspection', 'active', 'acme-api').n += 2;
    await recorder.flush();
    tally.of('introspection', 'active', 'acme-api').n += 1;
    tally.of('sign_in', 'wrong').n += 1;
    await recorder.flush();
    await recorder.flush();
    clock.advance(3_600);
    tally.of('introspection', 'active', 'acme-api').n += 4;
    await recorder.flush();
    const active = { topic: 'introspection', outcome: 'active', party: 'acme-api' };
    const wrong = { topic: 'sign_in', outcome: 'wrong', party: '' };
    expect(await activity.since('hour', noon)).toEqual([
      { startsAt: noon, ...active, n: 3 },
      { startsAt: noon, ...wrong, n: 1 },
      { startsAt: noon + 3_600, ...active, n: 4 },
    ]);
    expect(await activity.since('day', 0)).toEqual([
      { startsAt: bucketOf('day', noon), ...active, n: 7 },
      { startsAt: bucketOf('day', noon), ...wrong, n: 1 },
    ]);
    const after = await store.db.selectFrom('change_counter').select('n').executeTakeFirstOrThrow();
    expect(after).toEqual(before);
  });

  test('is summed over nodes that write at once', async () => {
    const { activity, clock, url } = await open();
    const other = await openDatabase(url);
    cleanUps.push(() => other.close());
    const nodes = [activity, createActivityStore({ store: other, clock })].map((each) => {
      const tally = createTally();
      return { tally, recorder: createActivityRecorder({ tally, activity: each, onFailure: fail }) };
    });
    for (let round = 0; round < 5; round += 1) {
      for (const { tally } of nodes) {
        for (const party of ['a', 'b', 'c']) tally.of('introspection', 'inactive', party).n += 1;
      }
      await Promise.all(nodes.map(({ recorder }) => recorder.flush()));
    }
    expect((await activity.since('day', 0)).map(({ party, n }) => [party, n]).sort()).toEqual([
      ['a', 10],
      ['b', 10],
      ['c', 10],
    ]);
  });

  test('is kept in memory until it can be written', async () => {
    const { activity } = await open();
    const tally = createTally();
    const failures: unknown[] = [];
    let broken = true;
    const recorder = createActivityRecorder({
      tally,
      activity: {
        add: async (happened) => {
          if (broken) throw new Error('the disk is full');
          await activity.add(happened);
        },
      },
      onFailure: (error) => void failures.push(error),
    });
    tally.of('token', 'refresh_token').n += 5;
    await recorder.flush();
    expect(failures).toHaveLength(1);
    broken = false;
    await recorder.flush();
    expect((await activity.since('hour', 0)).map(({ n }) => n)).toEqual([5]);
  });

  test('goes after some days, the hours before the days', async () => {
    const { activity, clock } = await open();
    await activity.add([{ topic: 'token', outcome: 'refresh_token', party: '', n: 1 }]);
    clock.advance(4 * 86_400);
    expect(await activity.prune()).toBe(1);
    expect(await activity.since('day', 0)).toHaveLength(1);
    clock.advance(100 * 86_400);
    expect(await activity.prune()).toBe(1);
    expect(await activity.since('day', 0)).toEqual([]);
  });
});
