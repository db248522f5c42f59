/** The two clocks of a runtime, in milliseconds. */
export interface RuntimeClocks {
  /** Only ever goes on, but may stand still while the machine sleeps. */
  monotonic(): number;
  /** May be set forwards and back. */
  wall(): number;
}

const runtimeClocks: RuntimeClocks = { monotonic: () => performance.now(), wall: () => Date.now() };

/** Tells the time that others count by: integer seconds since the epoch. */
export function epochSeconds(): number {
  return Math.floor(runtimeClocks.wall() / 1_000);
}

/** The two are read one after the other, and one of them in whole milliseconds. */
const toleratedMilliseconds = 100;

/**
 * Makes a clock that only ever goes on, and never by less than the time that passed: when the wall clock got ahead of the monotonic
 * one, because the machine slept or somebody set it, that counts as time. The kit stands alone, so it reads the time by itself.
 *
 * @returns milliseconds since any moment, for how long ago something was
 */
export function createMonotonic(clocks: RuntimeClocks = runtimeClocks): () => number {
  let ahead = clocks.wall() - clocks.monotonic();
  let slept = 0;
  return () => {
    const now = clocks.monotonic();
    const difference = clocks.wall() - now - ahead;
    if (difference > toleratedMilliseconds) {
      slept += difference;
      ahead += difference;
    } else if (difference < 0) {
      ahead += difference;
    }
    return now + slept;
  };
}
