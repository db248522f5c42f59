/** Questions asked of the catalogue alone: what is bounded where, and what comes with what. */

import type { Bound, Catalogue } from './vocabulary.ts';

/**
 * Lists the capabilities that are bounded at `bound`. Pure.
 *
 * @returns Their names, in catalogue order.
 */
export function capabilitiesBoundAt(catalogue: Catalogue, bound: Bound): string[] {
  const names: string[] = [];
  for (const [name, capability] of catalogue) {
    if (capability.bound === bound) names.push(name);
  }
  return names;
}

/**
 * Sorts names the way the catalogue shows them. Pure.
 *
 * @param names Capability names; those that the catalogue does not list drop.
 * @returns Every listed name once, in catalogue order.
 */
export function inCatalogueOrder(names: ReadonlySet<string>, catalogue: Catalogue): string[] {
  const sorted: string[] = [];
  for (const name of catalogue.keys()) {
    if (names.has(name)) sorted.push(name);
  }
  return sorted;
}

/**
 * Adds what the held capabilities imply, and what that implies in turn. Pure; cycles end.
 * Only implications inside one bound count: a right on one project must never grow into a right on the organization.
 *
 * @param held Distinct capabilities bounded at `bound`, in catalogue order.
 * @returns `held` and everything that comes with it, in catalogue order.
 */
export function closeOver(held: readonly string[], catalogue: Catalogue, bound: Bound): readonly string[] {
  const closed = new Set(held);
  // A Set's iteration visits what is added while it runs: the loop ends when nothing new comes.
  for (const name of closed) {
    for (const implied of catalogue.get(name)?.implies ?? []) {
      if (catalogue.get(implied)?.bound === bound) closed.add(implied);
    }
  }
  return closed.size === held.length ? held : inCatalogueOrder(closed, catalogue);
}
