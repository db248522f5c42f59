import { expect, test } from '@jest/globals';
import { readBacklog } from '../../../src/operations/backlog.ts';

const read = async (count: () => Promise<number>) => {
  const failures: unknown[] = [];
  return { samples: await readBacklog(count, (error) => failures.push(error))(), failures };
};

test('a backlog is a figure', async () => {
  expect(await read(async () => 3)).toEqual({ samples: [{ value: 3 }], failures: [] });
});

test('what cannot be counted is left out, and why is told', async () => {
  const failure = new Error('the database is away');
  expect(await read(() => Promise.reject(failure))).toEqual({ samples: [], failures: [failure] });
});

test('a count that does not come is not waited for', async () => {
  const { samples, failures } = await read(() => new Promise(() => {}));
  expect(samples).toEqual([]);
  expect(String(failures)).toContain('did not answer in time');
});
