/** How the library asks other hosts: for a client's keys at `jwks_uri`, and for nothing else. */
import type { Configuration } from 'oidc-provider';
import type { KeySetSource } from '../clients/key-set-source.ts';

/**
 * Creates the library's `fetch`: answered from the keys that are kept, which are asked for on the public internet alone.
 * @see RFC 7591 section 5
 */
export function createPublicFetch(keySets: KeySetSource): NonNullable<Configuration['fetch']> {
  return async (input) => {
    const found = await keySets.find(String(input));
    if (found.kind === 'unavailable') throw new Error(found.reason);
    return new Response(found.jwks, { status: 200, headers: { 'Content-Type': 'application/json' } });
  };
}
