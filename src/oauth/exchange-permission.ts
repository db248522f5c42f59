/** Whether a client may exchange tokens: what an administrator set for it decides, never its metadata. Pure. */
import type { StoredClient, TokenExchange } from '../clients/client-store.ts';
import { exchangeGrantType } from './exchange-request.ts';

/** Tells whether a client may exchange tokens at all; a public client cannot prove that it is the one. */
export function mayExchange(client: StoredClient | undefined): client is StoredClient & {
  readonly tokenExchange: TokenExchange;
} {
  return client !== undefined && isConfidential(client) && !client.disabled && client.tokenExchange !== null;
}

/** Tells whether an administrator registered a client, and it shows who it is. */
export function isConfidential({ kind, metadata }: StoredClient): boolean {
  return kind === 'registered' && metadata.token_endpoint_auth_method !== 'none';
}

/** Shows the engine a client's metadata with token exchange among its grants if, and only if, it may. */
export function withExchange(client: StoredClient): Readonly<Record<string, unknown>> {
  const listed = client.metadata.grant_types;
  const isListed = Array.isArray(listed) && listed.includes(exchangeGrantType);
  if (!mayExchange(client) && !isListed) return client.metadata;
  // RFC 7591 section 2: what a client has that lists none.
  const others = Array.isArray(listed)
    ? listed.filter((type) => type !== exchangeGrantType)
    : ['authorization_code'];
  const grantTypes = mayExchange(client) ? [...others, exchangeGrantType] : others;
  return { ...client.metadata, grant_types: grantTypes };
}
