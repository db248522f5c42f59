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

test('replaces and deletes, also in the old half', () => {
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

test('does not keep what is larger than half of it', () => {
  const cache = createByteBoundedCache<number>(100);
  cache.set('a', 1, 20);
  cache.set('a', 2, 51);
  cache.set('b', 2, Number.POSITIVE_INFINITY);
  expect(cache.get('a') ?? cache.get('b')).toBeUndefined();
  expect(cache.bytes).toBe(0);
});
