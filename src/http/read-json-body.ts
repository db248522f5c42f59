import type { IncomingMessage } from 'node:http';

export type ReadJson =
  /** `value` is undefined when there is no body. */
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'wrong_media_type' | 'too_large' | 'malformed' };

const mediaType = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/** Reads a request's body as JSON in UTF-8. @param mostBytes what is refused beyond; no more than that is kept */
export async function readJsonBody(request: IncomingMessage, mostBytes: number): Promise<ReadJson> {
  const { 'content-length': length, 'transfer-encoding': encoding, 'content-type': type } = request.headers;
  if (encoding === undefined && (length === undefined || length === '0')) {
    return { kind: 'json', value: undefined };
  }
  if (!mediaType.test(type ?? '') || request.headers['content-encoding'] !== undefined) {
    return { kind: 'wrong_media_type' };
  }
  if (Number(length ?? 0) > mostBytes) return { kind: 'too_large' };
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBytes) return { kind: 'too_large' };
    chunks.push(chunk);
  }
  try {
    return { kind: 'json', value: JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown };
  } catch {
    return { kind: 'malformed' };
  }
}
