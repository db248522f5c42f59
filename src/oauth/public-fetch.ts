/** How the library asks other hosts, for a client's keys at `jwks_uri`: as metadata documents are asked for. */
import type { Configuration } from 'oidc-provider';
import type { PublicHttps } from '../clients/metadata-document-transport.ts';

const mostBytes = 64 * 1_024;

/**
 * Creates the library's `fetch`: only the public internet, no redirects, bounded time and size.
 * @see RFC 7591 section 5
 */
export function createPublicFetch(https: PublicHttps): NonNullable<Configuration['fetch']> {
  return async (input) => {
    const got = await https.get(String(input), { mostBytes });
    if (got.kind !== 'answer') throw new Error(got.reason);
    const headers = new Headers();
    for (const name of ['content-type', 'cache-control', 'expires'] as const) {
      const value = got.headers[name];
      if (value !== undefined) headers.set(name, value);
    }
    const body = got.body.length === 0 ? null : new Uint8Array(got.body);
    return new Response(body, { status: got.status, headers });
  };
}
