import type { PickedProject } from './vocabulary.ts';

/**
 * Folds repeated picks of a project into one that carries all their roles. Pure.
 *
 * @returns Project id → role ids, both in the order in which they were first picked.
 */
export function foldPicks(picks: readonly PickedProject[]): Map<string, Set<string>> {
  const folded = new Map<string, Set<string>>();
  for (const { id, roles } of picks) {
    let into = folded.get(id);
    if (into === undefined) {
      into = new Set();
      folded.set(id, into);
    }
    for (const role of roles) into.add(role);
  }
  return folded;
}
