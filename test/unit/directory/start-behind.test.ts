import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { startBehind } from '../../../src/directory/start-behind.ts';

const threads = () => readdirSync('/proc/self/task').map(Number);

(process.platform === 'linux' ? test : test.skip)(
  'a thread is less important than the one that starts it before it runs at all',
  async () => {
    const before = threads();
    // It lives until it is ended: the system knows no priority of a thread that is done.
    const worker = startBehind(() => new Worker('setInterval(() => {}, 1_000)', { eval: true }));
    const started = threads().filter((id) => !before.includes(id));
    expect(started.length).toBeGreaterThan(0);
    for (const id of started) expect(getPriority(id)).toBeGreaterThanOrEqual(10);
    expect(getPriority()).toBeLessThan(10);
    await worker.terminate();
  },
);

test('what is started is given back, and a start that fails is told', () => {
  expect(startBehind(() => 'a thread')).toBe('a thread');
  expect(() =>
    startBehind(() => {
      throw new Error('no more threads');
    }),
  ).toThrow('no more threads');
});
