import { expect, test } from '@jest/globals';
import { createMonotonic } from '../../../src/resource-server/monotonic.ts';

function start() {
  const at = { monotonic: 5_000, wall: 1_790_000_000_000 };
  const now = createMonotonic({ monotonic: () => at.monotonic, wall: () => at.wall });
  const origin = now();
  return { at, elapsed: () => now() - origin };
}

test('goes on as the monotonic clock does', () => {
  const { at, elapsed } = start();
  for (let step = 1; step <= 1_000; step++) {
    at.monotonic += 0.4;
    at.wall = 1_790_000_000_000 + Math.floor(step * 0.4);
    expect(elapsed()).toBeCloseTo(step * 0.4);
  }
});

test('counts the time for which the machine slept, once', () => {
  const { at, elapsed } = start();
  at.wall += 3_600_000;
  expect(elapsed()).toBe(3_600_000);
  at.monotonic += 10;
  at.wall += 10;
  expect(elapsed()).toBe(3_600_010);
});

test('does not go back when the wall clock is set back, and counts a sleep after that', () => {
  const { at, elapsed } = start();
  at.wall -= 86_400_000;
  at.monotonic += 10;
  expect(elapsed()).toBe(10);
  at.wall += 5_000;
  expect(elapsed()).toBeGreaterThanOrEqual(5_000);
});

test('works with the runtime’s own clocks', () => {
  const now = createMonotonic();
  const before = now();
  expect(now()).toBeGreaterThanOrEqual(before);
});
