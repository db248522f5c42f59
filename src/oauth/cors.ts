import type { Client, KoaContextWithOIDC } from 'oidc-provider';

const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Decides which web pages may read the protocol's answers for a client: those at the origin of one of its redirect URIs. Pure.
 * On the loopback any port is the client's own (RFC 8252 section 7.3). A confidential client has no business in a browser.
 * @see https://www.rfc-editor.org/rfc/rfc9700.html#section-2.6
 */
export function allowsOrigin(_ctx: KoaContextWithOIDC, origin: string, client: Client): boolean {
  if (origin === 'null' || client.clientAuthMethod !== 'none') return false;
  const wanted = originOf(origin);
  return wanted !== undefined && (client.redirectUris ?? []).some((uri) => originOf(uri) === wanted);
}

/** The origin of an address, without its port where that does not count. */
function originOf(address: string): string | undefined {
  const url = URL.parse(address);
  if (!url || url.origin === 'null') return undefined;
  return url.protocol === 'http:' && loopback.has(url.hostname) ? `http://${url.hostname}` : url.origin;
}
