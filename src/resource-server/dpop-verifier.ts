import { type GuardedRequest, headerOf } from './bearer-token.ts';
import { mustBound } from './bounds.ts';
import { type CheckedProof, checkProof, type ProofOutcome } from './dpop-proof.ts';
import { epochSeconds } from './monotonic.ts';
import { createReplayMemory, type Remembered, type ReplayStore } from './replay-memory.ts';
import { type SigningAlgorithm, signingAlgorithms } from './signing-algorithms.ts';

export interface DpopVerifierOptions {
  /** Signatures that are taken; all by default: ES256, EdDSA, Ed25519, RS256 and PS256. */
  readonly algorithms?: readonly SigningAlgorithm[];
  /** How old a proof may be; 60 by default. */
  readonly maxAgeSeconds?: number;
  /** How far a client's clock may be off, either way; 5 by default. */
  readonly toleranceSeconds?: number;
  /** Where proofs are remembered, so that each is taken once; the memory of this node by default. */
  readonly replays?: ReplayStore;
  /** How many proofs this node's own memory holds at most; 100,000 by default. */
  readonly mostProofs?: number;
  /**
   * The address that a client asked, for a proxy that changes paths. By default the origin of the guarded resource, whatever the `Host`
   * header says, with the path of the request.
   */
  readonly requestUrl?: (request: GuardedRequest) => string | undefined;
  /** Integer seconds since the epoch; the runtime's own clock by default. */
  readonly now?: () => number;
}

export interface DpopVerifier {
  readonly algorithms: readonly SigningAlgorithm[];
  /** Checks the proof of a request for a token. @param resource the URL of the guarded resource */
  check(request: GuardedRequest, resource: string, accessToken: string): Promise<ProofOutcome>;
  /** Takes a proof that was found right, which can be done once. */
  spend(proof: CheckedProof): Promise<Remembered>;
}

/**
 * Creates what lets a guard take tokens that are bound to a key: give it to `requireAuthorization` as `dpop`. Each request then proves
 * that whoever sends it holds the key, so a token that leaked is worth nothing by itself. Web Crypto does the rest.
 *
 * @throws RangeError when a bound is no number
 * @see https://www.rfc-editor.org/rfc/rfc9449#section-7
 */
export function createDpopVerifier(options: DpopVerifierOptions = {}): DpopVerifier {
  const { algorithms = signingAlgorithms, maxAgeSeconds = 60, toleranceSeconds = 5 } = options;
  const { mostProofs = 100_000 } = options;
  mustBound({ maxAgeSeconds, toleranceSeconds, mostProofs });
  const now = options.now ?? epochSeconds;
  const replays = options.replays ?? createReplayMemory({ now, most: mostProofs });
  return {
    algorithms,
    check(request, resource, accessToken) {
      return checkProof(headerOf(request, 'dpop'), {
        method: request.method,
        url: options.requestUrl ? options.requestUrl(request) : addressOf(request, resource),
        accessToken,
        algorithms,
        now: now(),
        maxAgeSeconds,
        toleranceSeconds,
      });
    },
    // Two keys may use the same jti; one key may not.
    async spend({ thumbprint, jti, expiresAt }) {
      return replays.remember(`${thumbprint} ${jti}`, expiresAt);
    },
  };
}

function addressOf(request: GuardedRequest, resource: string): string | undefined {
  // Express takes the place where a router is mounted off `url`.
  const target = request.originalUrl ?? request.url;
  if (target === undefined) return undefined;
  const { origin } = new URL(resource);
  if (target.startsWith('/')) return origin + target;
  return URL.canParse(target) ? origin + new URL(target).pathname : undefined;
}
