/** How leaked passwords are kept: sorted beginnings of hashes, small enough to be loaded with the program. */
import { hash } from 'node:crypto';

/** Of each hash; of a billion passwords that are not in the list, some sixteen look as if they were. */
export const bytesEach = 5;

/** Writes a password as it is compared: in whichever case somebody types it, it is guessed as soon. */
export const fold = (password: string): string => password.normalize('NFKC').toLowerCase();

/**
 * Tells whether a password is in a list. Pure.
 * @param list sorted, `bytesEach` for each
 */
export function isListed(password: string, list: Buffer): boolean {
  const wanted = hash('sha256', fold(password), 'buffer').subarray(0, bytesEach);
  let [low, high] = [0, list.length / bytesEach];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = list.compare(wanted, 0, bytesEach, middle * bytesEach, (middle + 1) * bytesEach);
    if (order === 0) return true;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return false;
}
