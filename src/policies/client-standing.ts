import type { ClientStanding } from '../policy/client-permission.ts';

/** The part of a client that says where it lives and who vouches for it. */
export interface JudgedClient {
  readonly id: string;
  readonly kind: 'registered' | 'dynamic' | 'metadata_document';
  readonly verified: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const ownComputer = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Says what is proven about a client. Pure. One that is known by its metadata document lives at that document's host, wherever it
 * redirects; any other lives wherever it redirects.
 */
export function standingOf({ id, kind, verified, metadata }: JudgedClient): ClientStanding {
  if (kind === 'metadata_document') return { verified, hasDocument: true, hosts: [hostOf(id)] };
  const redirects = Array.isArray(metadata.redirect_uris) ? metadata.redirect_uris : [];
  return { verified, hasDocument: false, hosts: [...new Set(redirects.map((uri) => hostOf(String(uri))))] };
}

/** @returns null for a private scheme, a loopback address, and what is no address at all (RFC 8252 section 7) */
function hostOf(uri: string): string | null {
  const url = URL.parse(uri);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) return null;
  // A name that ends in a dot is the same host (RFC 3986 section 3.2.2), and no way around what is said of it.
  const host = url.hostname.replace(/\.$/, '');
  return ownComputer.includes(host) ? null : host;
}
