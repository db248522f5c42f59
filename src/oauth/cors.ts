import type { Client, KoaContextWithOIDC } from 'oidc-provider';

/**
 * Decides which web pages may read the protocol's answers for a client: those at the origin of one of its redirect URIs. Pure.
 * A confidential client has no business in a browser.
 * @see https://www.rfc-editor.org/rfc/rfc9700.html#section-2.6
 */
export function allowsOrigin(_ctx: KoaContextWithOIDC, origin: string, client: Client): boolean {
  if (origin === 'null' || client.clientAuthMethod !== 'none') return false;
  return (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin);
}
