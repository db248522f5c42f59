import { describe, expect, test } from '@jest/globals';
import { leavesMore } from '../../../src/policy/leaves-more.ts';
import { noLimits, type TimedLimits } from '../../../src/policy/limits.ts';

const limits = (part: Partial<TimedLimits>): TimedLimits => ({ ...noLimits, ...part });
const carried = { capabilities: ['api', 'flows:edit'], expiresAt: null };
const withheld = limits({ capabilities: new Map([['flows:edit', 'approval_pending']]) });
const ending = (end: number) => limits({ end });
const oneEnding = (end: number) => limits({ ends: new Map([['api', end]]) });

describe('limits leave more of an authorization', () => {
  test.each<[string, TimedLimits, TimedLimits, boolean]>([
    ['when they are the same: no', withheld, withheld, false],
    ['when a capability is withheld no more', withheld, noLimits, true],
    ['when one is withheld: no', noLimits, withheld, false],
    ['when it lasts longer', ending(10), ending(11), true],
    ['when it lasts less long: no', noLimits, ending(10), false],
    ['when one capability lasts longer', oneEnding(10), oneEnding(11), true],
    ['when nothing was left of it', limits({ everything: 'too_old' }), noLimits, true],
    ['when nothing is left of it: no', noLimits, limits({ everything: 'client_not_permitted' }), false],
    ['when it gains one and loses another', withheld, oneEnding(10), true],
  ])('%s', (_, before, after, more) => {
    expect(leavesMore(before, after, carried)).toBe(more);
  });

  test('but not where it ends by itself before, or does not carry the capability', () => {
    expect(leavesMore(ending(10), ending(20), { ...carried, expiresAt: 10 })).toBe(false);
    expect(leavesMore(withheld, noLimits, { ...carried, capabilities: ['api'] })).toBe(false);
  });
});
