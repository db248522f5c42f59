import { expect, test } from '@jest/globals';
import { createTally, otherParties } from '../../../src/operations/tally.ts';

test('a counter is the same object each time', () => {
  const tally = createTally();
  expect(tally.of('sign_in', 'wrong')).toBe(tally.of('sign_in', 'wrong'));
  expect(tally.of('introspection', 'active', 'a')).not.toBe(tally.of('introspection', 'active', 'b'));
});

test('parties beyond the limit are counted as one', () => {
  const tally = createTally(2);
  for (const party of ['a', 'b', 'c', 'd', 'a']) tally.of('introspection', 'active', party).n += 1;
  tally.of('introspection', 'unavailable').n += 1;
  expect(tally.all().map(({ party, counter }) => [party, counter.n])).toEqual([
    ['a', 2],
    ['b', 1],
    [otherParties, 2],
    ['', 1],
  ]);
});
