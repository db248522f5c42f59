/** How long things took, in buckets that are there from the start: noting one is a comparison or two and an addition. */

/** Upper bounds in seconds: a remembered introspection takes tens of microseconds, a sign-in tens of milliseconds. */
export const bounds: readonly number[] = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export interface Histogram {
  note(seconds: number): void;
  /** For each bound how many took no longer than that and longer than the bound before; the last one is for the rest. */
  readonly counts: readonly number[];
  /** Seconds, all together. */
  readonly sum: number;
}

export function createHistogram(): Histogram {
  const counts = new Array<number>(bounds.length + 1).fill(0);
  let sum = 0;
  return {
    note(seconds) {
      let at = 0;
      while (at < bounds.length && seconds > (bounds[at] as number)) at += 1;
      counts[at] = (counts[at] as number) + 1;
      sum += seconds;
    },
    counts,
    get sum() {
      return sum;
    },
  };
}
