import { addsNothing, splitAddition } from '../policy/additions.ts';
import type { Slice } from '../policy/key-decision.ts';
import type { ForAWhile } from './key-desk.ts';

/**
 * Says what an edit leaves for good, and what it adds for a while. Pure.
 * @param granted all of what it was judged to grant
 * @param seconds for how long what is new holds; null: for good
 */
export function planEdit(
  granted: Slice,
  before: Slice,
  seconds: number | null,
): { readonly granted: Slice; readonly forAWhile?: ForAWhile } {
  if (seconds === null) return { granted };
  const { base, added, addedRoles } = splitAddition(granted, before);
  if (addsNothing(added) && addedRoles.length === 0) return { granted };
  return { granted: base, forAWhile: { added, addedRoles, seconds } };
}
