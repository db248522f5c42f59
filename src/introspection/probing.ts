/**
 * Notices a resource server that asks about strings nobody issued, thousands a minute: guesses, its own or those of whoever sends it
 * tokens (RFC 7662 section 4). Only such answers are counted and refused; a token that holds is answered whatever happens here.
 */
import type { ResourceServer } from '../clients/resource-server-store.ts';
import type { BurstLimit, BurstLimits } from '../http/burst-limits.ts';

const unknownTokens: BurstLimit = { name: 'unknown-tokens', points: 6_000, windowSeconds: 60, batch: 200 };

/** A resource server has asked about too many unknown tokens. */
export class ProbingError extends Error {
  override readonly name = 'ProbingError';
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('too many unknown tokens');
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export interface Probing {
  /** Counts a question about a token that is not known. @throws ProbingError when it is one too many */
  note(server: Pick<ResourceServer, 'id' | 'name'>): Promise<void>;
}

/** @param deps.onProbing told once a window of each resource server */
export function createProbing(deps: {
  bursts: BurstLimits;
  onProbing: (server: { name: string; retryAfterSeconds: number }) => void;
}): Probing {
  const { bursts, onProbing } = deps;
  return {
    async note({ id, name }) {
      const known = bursts.known(unknownTokens, id);
      if (known.kind === 'limited') throw new ProbingError(known.retryAfterSeconds);
      const taken = await bursts.take(unknownTokens, id);
      if (taken.kind === 'allowed') return;
      onProbing({ name, retryAfterSeconds: taken.retryAfterSeconds });
      throw new ProbingError(taken.retryAfterSeconds);
    },
  };
}
