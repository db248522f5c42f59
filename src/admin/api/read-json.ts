import type { IncomingMessage } from 'node:http';
import { readJsonBody } from '../../http/read-json-body.ts';
import { refusal } from './problem.ts';

const limitBytes = 256 * 1_024;

/**
 * Reads a JSON body.
 * @returns undefined when there is none
 * @throws Refusal `wrong_media_type`, `too_large` or `malformed`
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const read = await readJsonBody(request, limitBytes);
  if (read.kind !== 'json') throw refusal(read.kind);
  return read.value;
}
