import type { Clock } from '../../src/clock.ts';

/** A clock that stands still until a test moves it. */
export interface MovableClock extends Clock {
  /** Moves the clock; negative seconds move it back. */
  advance(seconds: number): void;
}

/** Waits until the machine's clock shows another millisecond: ids sort by the one that they were made in. */
export async function anotherMillisecond(): Promise<void> {
  const before = Date.now();
  while (Date.now() === before) await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Makes a clock for a test to move.
 *
 * @param start integer epoch seconds; the machine's own time when left out
 */
export function movableClock(start: number = Math.floor(Date.now() / 1000)): MovableClock {
  let seconds = start;
  return {
    now: () => seconds,
    advance: (by) => {
      seconds += by;
    },
  };
}
