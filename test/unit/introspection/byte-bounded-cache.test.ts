import { expect, test } from '@jest/globals';
import { createByteBoundedCache } from '../../../src/introspection/byte-bounded-cache.ts';

test('keeps what fits', () => {
  const cache = createByteBoundedCache<number>(100);
  for (let n = 0; n < 5; n++) cache.set(`k${n}`, n, 10);
  expect([0, 1, 2, 3, 4].map((n) => cache.get(`k${n}`))).toEqual([0, 1, 2, 3, 4]);
  expect(cache.bytes).toBe(50);
});

test('stays within its bytes, and keeps what is asked for', () => {
  const cache = createByteBoundedCache<number>(100);
  cache.set('asked', 0, 10);
  for (let n = 0; n < 1_000; n++) {
    cache.set(`k${n}`, n, 10);
    expect(cache.get('asked')).toBe(0);
    expect(cache.bytes).toBeLessThanOrEqual(100);
  }
  expect(cache.get('k0')).toBeUndefined();
});

test('replaces and deletes', () => {
  const cache = createByteBoundedCache<number>(40);
  cache.set('a', 1, 10);
  cache.set('b', 1, 10);
  cache.set('c', 1, 10);
  cache.set('a', 2, 10);
  expect(cache.get('a')).toBe(2);
  cache.delete('b');
  cache.delete('c');
  expect(cache.get('b') ?? cache.get('c')).toBeUndefined();
  cache.delete('a');
  expect(cache.bytes).toBe(0);
});

test('all of its room holds what is asked for, however often that comes round', () => {
  const cache = createByteBoundedCache<number>(1_000);
  let missed = 0;
  for (let round = 0; round < 20; round++) {
    for (let n = 0; n < 100; n++) {
      if (cache.get(`k${n}`) !== undefined) continue;
      missed += 1;
      cache.set(`k${n}`, n, 10);
    }
  }
  expect(missed).toBe(100);
  expect(cache.bytes).toBe(1_000);
});

test('what is asked for once does not drive out what is asked for again and again', () => {
  const cache = createByteBoundedCache<number>(1_000);
  for (let n = 0; n < 50; n++) cache.set(`hot${n}`, n, 10);
  for (let n = 0; n < 10_000; n++) {
    cache.set(`once${n}`, n, 10);
    cache.get(`hot${n % 50}`);
  }
  expect(
    Array.from({ length: 50 }, (_, n) => cache.get(`hot${n}`)).filter((one) => one === undefined),
  ).toEqual([]);
});

test('entries that go while the hand is at them do not stop it', () => {
  const cache = createByteBoundedCache<number>(100);
  for (let n = 0; n < 1_000; n++) {
    cache.set(`k${n}`, n, 10);
    if (n % 3 === 0) cache.delete(`k${n - 5}`);
    if (n % 7 === 0) for (let back = 0; back < 10; back++) cache.delete(`k${n - back}`);
    expect(cache.bytes).toBeLessThanOrEqual(100);
  }
});

test('does not keep what is larger than half of it', () => {
  const cache = createByteBoundedCache<number>(100);
  cache.set('a', 1, 20);
  cache.set('a', 2, 51);
  cache.set('b', 2, Number.POSITIVE_INFINITY);
  expect(cache.get('a') ?? cache.get('b')).toBeUndefined();
  expect(cache.bytes).toBe(0);
});
