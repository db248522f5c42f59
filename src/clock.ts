/**
 * The only place that reads the time. Everything else takes a `Clock`, so that a test can move it.
 */
export interface Clock {
  /** Integer seconds since the epoch: the unit of every instant in SQL, tokens and the JSON API. */
  now(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Math.floor(Date.now() / 1000) };

/** Reads milliseconds that only ever go on, whatever is done to the machine's clock: for how long ago something was, never for when. */
export const monotonicMilliseconds = (): number => performance.now();

/** Turns an instant into what libraries want. Pure. */
export function dateOf(seconds: number): Date {
  return new Date(seconds * 1_000);
}
