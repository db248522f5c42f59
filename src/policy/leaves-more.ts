import type { TimedLimits } from './limits.ts';

/**
 * Tells whether one set of limits leaves more of an authorization than another, or leaves it longer. Pure; an authorization that ends
 * by itself first does not last longer by a wider limit.
 * @param carried its capabilities, and when it ends by itself (integer seconds; null: until revoked)
 */
export function leavesMore(
  before: TimedLimits,
  after: TimedLimits,
  {
    capabilities,
    expiresAt,
  }: { readonly capabilities: readonly string[]; readonly expiresAt: number | null },
): boolean {
  const endOf = ({ everything, end }: TimedLimits) =>
    everything === undefined
      ? Math.min(end, expiresAt ?? Number.POSITIVE_INFINITY)
      : Number.NEGATIVE_INFINITY;
  const endOfOne = (limits: TimedLimits, name: string) =>
    limits.capabilities.has(name)
      ? Number.NEGATIVE_INFINITY
      : Math.min(endOf(limits), limits.ends.get(name) ?? Number.POSITIVE_INFINITY);
  return (
    endOf(after) > endOf(before) ||
    capabilities.some((name) => endOfOne(after, name) > endOfOne(before, name))
  );
}
