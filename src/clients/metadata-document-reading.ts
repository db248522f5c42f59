/** Reads a metadata document's bytes. Pure. */

export type ReadDocument =
  | { readonly kind: 'document'; readonly properties: Record<string, unknown> }
  | { readonly kind: 'refused'; readonly reason: string };

/** What a JSON Web Key has only when it is private or symmetric (RFC 7518 section 6). */
const privateParts = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const secrets = ['client_secret', 'client_secret_expires_at', 'registration_access_token'];

/**
 * Reads a document: one JSON object that says everything once, names the URL that it was had from, and keeps no secret in public.
 * @param url the client id
 * @see draft-ietf-oauth-client-id-metadata-document section 4.1
 */
export function readMetadataDocument(url: string, body: Uint8Array): ReadDocument {
  let text: string;
  let properties: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    properties = JSON.parse(text);
  } catch {
    return refuse('the answer is not JSON');
  }
  if (!isObject(properties)) return refuse('the document is not a JSON object');
  if (countNames(text) !== countMembers(properties)) return refuse('the document says something twice');
  if (properties.client_id !== url) return refuse('client_id in the document is not its address');
  if (secrets.some((name) => name in properties)) return refuse('the document contains a client secret');
  if (hasPrivateKey(properties.jwks)) return refuse('the document contains a private key');
  return { kind: 'document', properties };
}

function hasPrivateKey(jwks: unknown): boolean {
  if (!isObject(jwks) || !Array.isArray(jwks.keys)) return false;
  return jwks.keys.some((key: unknown) => isObject(key) && privateParts.some((part) => part in key));
}

/** Counts the member names that valid JSON writes: strings before a colon. */
function countNames(json: string): number {
  return [...json.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined).length;
}

/** Counts the members that are left once a name that is written twice has become one; however deep, without recursion. */
function countMembers(value: unknown): number {
  let members = 0;
  const waiting = [value];
  for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
    if (typeof item !== 'object' || item === null) continue;
    const inside: unknown[] = Object.values(item);
    if (!Array.isArray(item)) members += inside.length;
    waiting.push(...inside);
  }
  return members;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(reason: string): ReadDocument {
  return { kind: 'refused', reason };
}
