/** Limits whose counters were written by a clock that was ahead for a while. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createBurstLimits } from '../../src/http/burst-limits.ts';
import { createRateLimits } from '../../src/http/rate-limit.ts';
import { engines } from '../support/databases.ts';
import { openStores, type Stores } from './open-stores.ts';

const limit = { name: 'tries', points: 3, windowSeconds: 900 };
const allowed = { kind: 'allowed' };

describe.each(engines)('on %s', (engine) => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await openStores(engine);
  });
  afterEach(() => stores.close());

  test('what a clock that was months ahead has counted is held against nobody once it is right', async () => {
    const limits = createRateLimits(stores);
    const ahead = 100 * 86_400;
    stores.clock.advance(ahead);
    for (let time = 0; time < 4; time += 1) await limits.take(limit, 'ada');
    expect(await limits.peek(limit, 'ada')).toMatchObject({ kind: 'limited', retryAfterSeconds: 900 });
    stores.clock.advance(-ahead);
    expect(await limits.peek(limit, 'ada')).toEqual(allowed);
    for (let time = 0; time < 3; time += 1) expect(await limits.take(limit, 'ada')).toEqual(allowed);
    expect(await limits.take(limit, 'ada')).toEqual({ kind: 'limited', retryAfterSeconds: 900 });
    stores.clock.advance(900);
    expect(await limits.take(limit, 'ada')).toEqual(allowed);
  });

  test('nor is what this process remembers of it', async () => {
    const limits = createBurstLimits({ ...stores, limits: createRateLimits(stores) });
    const burst = { ...limit, batch: 2 };
    const takeFour = async () => {
      for (let time = 0; time < 4; time += 1) await limits.take(burst, 'ada');
    };
    const ahead = 100 * 86_400;
    stores.clock.advance(ahead);
    await takeFour();
    expect(limits.known(burst, 'ada')).toEqual({ kind: 'limited', retryAfterSeconds: 900 });
    stores.clock.advance(-ahead);
    expect(limits.known(burst, 'ada')).toEqual(allowed);
    await takeFour();
    expect(limits.known(burst, 'ada')).toEqual({ kind: 'limited', retryAfterSeconds: 900 });
  });

  test('a clock that is a little ahead of another one starts no window anew', async () => {
    const limits = createRateLimits(stores);
    for (const seconds of [60, -60, 60, -60]) {
      stores.clock.advance(seconds);
      await limits.take(limit, 'ada');
    }
    expect(await limits.peek(limit, 'ada')).toMatchObject({ kind: 'limited' });
  });
});
