/** Reads milliseconds that only ever go on, whatever is done to the machine's clock. The kit stands alone, so it has its own. */
export const monotonicMilliseconds = (): number => performance.now();
