import { expect, test } from '@jest/globals';
import { createPatience, LateDatabaseError } from '../../../db/patience.ts';
import { createKeyRing } from '../../../src/oauth/key-ring.ts';

test('waiting for keys that others read too is part of what a request may wait in all', async () => {
  const patience = createPatience(50);
  let passed = 0;
  const ring = createKeyRing({
    provider: {} as never,
    keys: { load: () => new Promise(() => {}) },
    loaded: [],
    clock: { now: () => 1_000 },
    monotonic: () => passed,
    store: patience,
  });
  // The keys in use are some seconds old: they are good enough when no others can be had.
  passed = 6_000;
  const ask = (next: () => Promise<void>) =>
    patience.within(() => ring.middleware({ path: '/token' } as never, next));
  const late: unknown[] = [];
  await Promise.all(
    [0, 30].map(async (milliseconds) => {
      await new Promise((resume) => setTimeout(resume, milliseconds));
      await ask(async () => {
        late.push(await patience.wait(async () => 'answered').catch((error: unknown) => error));
      });
    }),
  );
  expect(late).toEqual([expect.any(LateDatabaseError), expect.any(LateDatabaseError)]);
});
