import type { IncomingMessage } from 'node:http';
import { refusal } from './problem.ts';

const limitBytes = 256 * 1_024;
const mediaType = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/**
 * Reads a JSON body.
 * @returns undefined when there is none
 * @throws Refusal `wrong_media_type`, `too_large` or `malformed`
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const { 'content-length': length, 'transfer-encoding': encoding, 'content-type': type } = request.headers;
  if (encoding === undefined && (length === undefined || length === '0')) return undefined;
  if (!mediaType.test(type ?? '') || request.headers['content-encoding'] !== undefined) {
    throw refusal('wrong_media_type');
  }
  if (Number(length ?? 0) > limitBytes) throw refusal('too_large');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limitBytes) throw refusal('too_large');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    throw refusal('malformed');
  }
}
