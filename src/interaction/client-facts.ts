import type { StoredClient } from '../clients/client-store.ts';
import type { ClientFacts } from './client-face.ts';

/**
 * Says what is proven about a client. Pure.
 * @param redirectUri the one that this request uses; absent in the device flow
 */
export function factsOf(client: StoredClient, redirectUri?: string): ClientFacts {
  const redirects = (client.metadata.redirect_uris as string[] | undefined) ?? [];
  const used = redirectUri === undefined ? undefined : placeOf(redirectUri);
  const places = redirects.map(placeOf);
  const name = client.metadata.client_name;
  return {
    clientId: client.id,
    name: typeof name === 'string' ? name : undefined,
    verified: client.verified,
    host: used?.local ? undefined : (used?.host ?? places.find(({ local }) => !local)?.host),
    redirectHost: used?.host,
    onDevice: redirectUri === undefined,
    localOnly: places.length === 0 || places.every(({ local }) => local),
    metadataDocumentHost: client.kind === 'metadata_document' ? new URL(client.id).host : undefined,
  };
}

/** Where a redirect URI leads: a host, or somewhere on the person's computer (RFC 8252 section 7). */
function placeOf(uri: string): { host: string; local: boolean } {
  const url = URL.parse(uri);
  if (!url) return { host: uri, local: true };
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return { host: url.protocol, local: true };
  return { host: url.host, local: ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname) };
}
