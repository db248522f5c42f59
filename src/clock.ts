/**
 * The only place that reads the time. Everything else takes a `Clock`, so that a test can move it.
 */
export interface Clock {
  /** Integer seconds since the epoch: the unit of every instant in SQL, tokens and the JSON API. */
  now(): number;
}

/**
 * By how much the clocks of nodes may differ, in seconds. A time that is kept and lies further ahead than whoever kept it can have meant, and
 * than this, was kept by a clock that was ahead: it is not waited for.
 */
export const clocksDifferSeconds = 3_600;

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Math.floor(Date.now() / 1000) };

/** Reads milliseconds that only ever go on, whatever is done to the machine's clock: for how long ago something was, never for when. */
export const monotonicMilliseconds = (): number => performance.now();

/** Reads the machine's clock in milliseconds since the epoch, with a fraction: for how others want to be told when something was. */
export const epochMilliseconds = (): number => performance.timeOrigin + performance.now();

let written = { second: Number.NaN, text: '' };

/** Writes the machine's time as the `Date` of an HTTP answer; once a second. @see RFC 9110 section 6.6.1 */
export function httpDate(): string {
  const second = Math.floor(Date.now() / 1_000);
  if (second !== written.second) written = { second, text: new Date(second * 1_000).toUTCString() };
  return written.text;
}

/** Turns an instant into what libraries want. Pure. */
export function dateOf(seconds: number): Date {
  return new Date(seconds * 1_000);
}

/** Reads the `Date` of an HTTP answer as integer epoch seconds; undefined when it is none. Pure. @see RFC 9110 section 5.6.7 */
export function secondsOfHttpDate(text: string): number | undefined {
  const milliseconds = Date.parse(text);
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1_000);
}

/** Reads an instant that somebody wrote (RFC 3339, or a day alone) as integer epoch seconds; undefined when it is none. Pure. */
export function secondsOfWritten(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2}))?$/.test(text)) return undefined;
  return secondsOfHttpDate(text);
}
