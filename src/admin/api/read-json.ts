import type { IncomingMessage } from 'node:http';
import { type ReadJson, readJsonBody } from '../../http/read-json-body.ts';
import { refusal } from './problem.ts';

const limitBytes = 256 * 1_024;

/** Waits for the whole of a body. What is wrong with it is told once it is known who sent it, by `jsonOf`. */
export const readJson = (request: IncomingMessage): Promise<ReadJson> => readJsonBody(request, limitBytes);

/**
 * Says what was read.
 * @returns undefined when there is no body
 * @throws Refusal `wrong_media_type`, `too_large` or `malformed`
 */
export function jsonOf(read: ReadJson): unknown {
  if (read.kind !== 'json') throw refusal(read.kind);
  return read.value;
}
