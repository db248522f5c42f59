/**
 * How much waits in the database, counted when somebody scrapes. A scrape is answered whether or not the database is: what cannot be
 * counted soon is left out, for a queue that nobody could look at is not an empty one.
 */
import type { Sample } from './metric-families.ts';

/** Less than processes wait for each other's metrics. */
const patienceMilliseconds = 1_000;

/**
 * Makes what reads a backlog for a scrape.
 * @param count asks the database
 * @param onFailure told why there is no figure
 * @returns reads it: one figure, or none
 */
export function readBacklog(
  count: () => Promise<number>,
  onFailure: (error: unknown) => void,
): () => Promise<readonly Sample[]> {
  return async () => {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error('the database did not answer in time')),
      patienceMilliseconds,
    );
    try {
      return [{ value: await Promise.race([count(), late]) }];
    } catch (error) {
      onFailure(error);
      return [];
    } finally {
      clearTimeout(timer);
    }
  };
}
