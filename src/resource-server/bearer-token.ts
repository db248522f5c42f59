/** The two things that any HTTP request has; a web `Request` and a Node request both are one. */
export interface GuardedRequest {
  readonly headers:
    | { get(name: string): string | null }
    | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Absolute, or path and query. */
  readonly url?: string | undefined;
}

/** What a request presents. */
export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'in_query' };

/**
 * Reads the bearer token of a request. Pure.
 *
 * A token in the query is refused even beside a header: it is already in logs and histories. Another scheme
 * counts as no token at all.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 */
export function readCredential(request: GuardedRequest): Credential {
  const query = request.url?.split('?')[1]?.split('#')[0];
  if (query !== undefined && new URLSearchParams(query).has('access_token')) return { kind: 'in_query' };
  const header = authorizationHeader(request);
  if (header === undefined || !/^bearer(?:\s|$)/i.test(header)) return { kind: 'none' };
  // b64token of RFC 6750; the bound keeps absurd headers off the wire.
  const token = /^bearer +([A-Za-z0-9\-._~+/]{1,4096}=*) *$/i.exec(header)?.[1];
  return token === undefined ? { kind: 'malformed' } : { kind: 'token', token };
}

function authorizationHeader(request: GuardedRequest): string | undefined {
  const { headers } = request;
  if (isFetchHeaders(headers)) return headers.get('authorization') ?? undefined;
  const value = headers.authorization;
  return typeof value === 'string' ? value : value?.join(', ');
}

function isFetchHeaders(headers: GuardedRequest['headers']): headers is { get(name: string): string | null } {
  return typeof headers.get === 'function';
}
