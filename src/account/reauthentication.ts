/** What a browser left open must not be enough for: how fresh a sign-in is, and what hands over something sensitive. */
import type { Slice } from '../policy/key-decision.ts';
import type { World } from '../policy/vocabulary.ts';
import { grantedNames } from './effect.ts';

/** For so long a sign-in, or a proof after it, counts as given lately. */
const freshSeconds = 600;

/**
 * Tells whether a sign-in, or a proof after it, was given lately. Pure. One that lies ahead by more than the clocks of two nodes differ was
 * dated by a clock that was wrong: it would count as given lately for as long as that one was ahead.
 * @param at integer seconds
 */
export function isFresh(at: number, now: number): boolean {
  return Math.abs(now - at) <= freshSeconds;
}

/** Tells whether a choice hands over a sensitive capability that was not handed over before. Pure. */
export function addsSensitive(after: Slice, before: Slice | undefined, world: World): boolean {
  const had = before ? grantedNames(before, world) : [];
  return grantedNames(after, world).some(
    (name) => world.catalogue.get(name)?.sensitive && !had.includes(name),
  );
}
