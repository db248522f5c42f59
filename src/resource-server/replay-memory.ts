import { mustBound } from './bounds.ts';

/** What became of remembering something that may come only once. */
export type Remembered =
  /** It had not been seen. */
  | 'fresh'
  | 'seen'
  /** It cannot be told now: refuse, and let the client try again. */
  | 'unknown';

/**
 * Where proofs are remembered for as long as they are good. One node's memory is `createReplayMemory()`; several nodes behind one address
 * need one that they share: a single statement that sets a key unless it is there, such as `SET key '' NX EXAT expiresAt` of Redis.
 */
export interface ReplayStore {
  /** @param expiresAt integer seconds since the epoch; never looked at again after it */
  remember(key: string, expiresAt: number): Remembered | Promise<Remembered>;
}

/**
 * Creates the memory of one node. When it is full of proofs that are still good, it says `unknown`: forgetting one would let it in again.
 *
 * @param options.now integer seconds since the epoch
 * @param options.most proofs at once; about 150 bytes each
 * @throws RangeError when that is no number
 */
export function createReplayMemory(options: {
  readonly now: () => number;
  readonly most: number;
}): ReplayStore {
  const { now, most } = options;
  mustBound({ most });
  const seen = new Map<string, number>();
  let sweptAt = 0;

  function sweep(): void {
    const second = now();
    if (second === sweptAt) return;
    sweptAt = second;
    for (const [key, expiresAt] of seen) if (expiresAt < second) seen.delete(key);
  }

  return {
    remember(key, expiresAt) {
      // The same second is swept once: what a flood costs is bounded too.
      if (seen.size >= most) sweep();
      const known = seen.get(key);
      if (known !== undefined) return 'seen';
      if (seen.size >= most) return 'unknown';
      seen.set(key, expiresAt);
      return 'fresh';
    },
  };
}
