/** What guarding needs of an HTTP request; a web `Request` and a Node request both have it. */
export interface GuardedRequest {
  readonly headers:
    | { get(name: string): string | null }
    | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Absolute, or path and query. */
  readonly url?: string | undefined;
  /** Where a framework keeps `url` as it came. */
  readonly originalUrl?: string | undefined;
  /** For tokens that are bound to a key. */
  readonly method?: string | undefined;
  /** Names and values in turn, as Node keeps them: it shows only the first of several `Authorization` headers otherwise. */
  readonly rawHeaders?: readonly string[] | undefined;
}

/** How a token may be presented: by itself (RFC 6750), or with the proof of a key (RFC 9449). */
export type TokenScheme = 'Bearer' | 'DPoP';

/** What a request presents. */
export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly scheme: TokenScheme; readonly token: string }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'in_query' };

/**
 * Reads the access token of a request. Pure.
 *
 * A token in the query is refused even beside a header: it is already in logs and histories. Another scheme
 * counts as no token at all; so does DPoP where it is not taken.
 *
 * @param options.dpop - whether the scheme DPoP is taken; not, by default
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 * @see https://www.rfc-editor.org/rfc/rfc9449#section-7.1
 */
export function readCredential(
  request: GuardedRequest,
  options: { readonly dpop?: boolean } = {},
): Credential {
  const query = request.url?.split('?')[1]?.split('#')[0];
  if (query !== undefined && new URLSearchParams(query).has('access_token')) return { kind: 'in_query' };
  const header = headerOf(request, 'authorization');
  if (header === undefined) return { kind: 'none' };
  const scheme = /^bearer(?:\s|$)/i.test(header)
    ? 'Bearer'
    : options.dpop === true && /^dpop(?:\s|$)/i.test(header)
      ? 'DPoP'
      : undefined;
  if (scheme === undefined) return { kind: 'none' };
  // b64token of RFC 6750; the bound keeps absurd headers off the wire.
  const token = /^[a-z]+ +([A-Za-z0-9\-._~+/]{1,4096}=*) *$/i.exec(header)?.[1];
  if (token === undefined || isRepeated(request, 'authorization')) return { kind: 'malformed' };
  return { kind: 'token', scheme, token };
}

/** Reads a header; several of one name come as one value with commas. Pure. @param name in small letters */
export function headerOf(request: GuardedRequest, name: string): string | undefined {
  const { headers } = request;
  if (isFetchHeaders(headers)) return headers.get(name) ?? undefined;
  const value = headers[name];
  return typeof value === 'string' ? value : value?.join(', ');
}

function isRepeated({ rawHeaders = [] }: GuardedRequest, name: string): boolean {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const one = rawHeaders[at];
    if (one?.length === name.length && one.toLowerCase() === name) count += 1;
  }
  return count > 1;
}

function isFetchHeaders(headers: GuardedRequest['headers']): headers is { get(name: string): string | null } {
  return typeof headers.get === 'function';
}
