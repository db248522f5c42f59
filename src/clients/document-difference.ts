/** What a person would go by that is not as it was in a client's metadata document. */
import { isDeepStrictEqual } from 'node:util';

/** A part of a document that fresh consent is asked for. */
export type DocumentPart = 'name' | 'redirects' | 'authentication' | 'keys';

export interface DocumentDifference {
  readonly part: DocumentPart;
  /** What was and what is; empty where it said nothing. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

type Metadata = Readonly<Record<string, unknown>>;

/**
 * Says what differs between two documents of one client. Pure. A redirect that stayed is not mentioned; keys are named by their id,
 * or by the address that they are had from.
 */
export function differencesBetween(before: Metadata, after: Metadata): readonly DocumentDifference[] {
  const [gone, come] = [strings(before.redirect_uris), strings(after.redirect_uris)];
  const parts: (DocumentDifference & { readonly same: boolean })[] = [
    single('name', before, after, 'client_name'),
    {
      part: 'redirects',
      same: isDeepStrictEqual(gone, come),
      before: gone.filter((uri) => !come.includes(uri)),
      after: come.filter((uri) => !gone.includes(uri)),
    },
    single('authentication', before, after, 'token_endpoint_auth_method'),
    {
      part: 'keys',
      same: isDeepStrictEqual([before.jwks, before.jwks_uri], [after.jwks, after.jwks_uri]),
      before: keysOf(before),
      after: keysOf(after),
    },
  ];
  return parts.filter(({ same }) => !same).map(({ same: _, ...difference }) => difference);
}

function single(part: DocumentPart, before: Metadata, after: Metadata, member: string) {
  const said = [before[member], after[member]];
  const [old, now] = said.map((value) => (typeof value === 'string' ? [value] : []));
  return { part, same: isDeepStrictEqual(said[0], said[1]), before: old ?? [], after: now ?? [] };
}

function keysOf({ jwks, jwks_uri: address }: Metadata): string[] {
  if (typeof address === 'string') return [address];
  const { keys } = (jwks ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) return [];
  return keys.map(({ kid, kty }: { kid?: unknown; kty?: unknown }) => String(kid ?? kty));
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
