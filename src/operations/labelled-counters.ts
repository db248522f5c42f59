/** Counters that are told apart by a few names which are written in the program. */
import type { Counter } from './tally.ts';

export interface LabelledCounters {
  /** Finds the counter of a name: the same object each time. @param name a constant, never of a request */
  of(name: string): Counter;
  all(): readonly { readonly name: string; readonly counter: Counter }[];
}

export function createLabelledCounters(): LabelledCounters {
  const counters = new Map<string, Counter>();
  return {
    of(name) {
      const known = counters.get(name) ?? { n: 0 };
      counters.set(name, known);
      return known;
    },
    all: () => [...counters].map(([name, counter]) => ({ name, counter })),
  };
}
