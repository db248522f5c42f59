/**
 * Limits on what happens often and is cheap: counted in this process, and told to the shared counters a batch at a time, so that
 * most uses cost nothing. Across all nodes a limit is overrun by at most a batch a node.
 */
import { type Clock, clocksDifferSeconds } from '../clock.ts';
import type { Limit, RateLimits, Taken } from './rate-limit.ts';

export interface BurstLimit extends Limit {
  /** How many uses are told at once. */
  readonly batch: number;
}

export interface BurstLimits {
  /** Uses up one point of a key. */
  take(limit: BurstLimit, key: string): Promise<Taken>;
  /** What this process knows to be used up, without asking anybody. */
  known(limit: BurstLimit, key: string): Taken;
}

/** Keys that are remembered here; the oldest makes room, and only forgets part of a batch. */
const mostKeys = 20_000;
const allowed: Taken = { kind: 'allowed' };

export function createBurstLimits({ limits, clock }: { limits: RateLimits; clock: Clock }): BurstLimits {
  const counted = new Map<string, { uses: number; limitedUntil: number }>();

  const entryOf = (name: string) => {
    const known = counted.get(name);
    if (known) return known;
    const [oldest] = counted.keys();
    if (counted.size >= mostKeys && oldest !== undefined) counted.delete(oldest);
    const fresh = { uses: 0, limitedUntil: 0 };
    counted.set(name, fresh);
    return fresh;
  };
  const judge = (limit: Limit, limitedUntil: number): Taken => {
    const left = limitedUntil - clock.now();
    // Further away than that, it was set before a clock that was ahead went back.
    const stands = left > 0 && left <= limit.windowSeconds + clocksDifferSeconds;
    return stands ? { kind: 'limited', retryAfterSeconds: left } : allowed;
  };

  return {
    async take(limit, key) {
      const entry = entryOf(`${limit.name} ${key}`);
      const known = judge(limit, entry.limitedUntil);
      if (known.kind === 'limited') return known;
      entry.uses += 1;
      if (entry.uses < limit.batch) return allowed;
      entry.uses = 0;
      const taken = await limits.take(limit, key, limit.batch);
      if (taken.kind === 'limited') entry.limitedUntil = clock.now() + taken.retryAfterSeconds;
      return taken;
    },
    known: (limit, key) => judge(limit, counted.get(`${limit.name} ${key}`)?.limitedUntil ?? 0),
  };
}
