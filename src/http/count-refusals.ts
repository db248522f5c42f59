/** Counts what limits refuse, by limit. */
import type { LabelledCounters } from '../operations/labelled-counters.ts';
import type { RateLimits } from './rate-limit.ts';

export function countRefusals(limits: RateLimits, refusals: LabelledCounters): RateLimits {
  return {
    ...limits,
    async take(limit, key, amount) {
      const taken = await limits.take(limit, key, amount);
      if (taken.kind === 'limited') refusals.of(limit.name).n += 1;
      return taken;
    },
    async takeInTurn(counted) {
      const taken = await limits.takeInTurn(counted);
      if (taken.by) refusals.of(taken.by.name).n += 1;
      return taken;
    },
  };
}
