/** Asks from the machine that this runs on, wherever it reaches. */
import { monotonicMilliseconds } from '../clock.ts';
import type { Ask } from './finding.ts';

const withinMilliseconds = 10_000;
const mostBytes = 256 * 1_024;

/** Creates what the command line asks through. */
export function createAskFromHere(): Ask {
  return async ({ method, url, headers, body }) => {
    const begun = monotonicMilliseconds();
    try {
      const response = await fetch(url, {
        method,
        redirect: 'manual',
        signal: AbortSignal.timeout(withinMilliseconds),
        ...(headers && { headers }),
        ...(body !== undefined && { body }),
      });
      const text = await readAtMost(response);
      if (text === undefined)
        return { kind: 'silence', reason: `the answer is larger than ${mostBytes} bytes` };
      const milliseconds = monotonicMilliseconds() - begun;
      return {
        kind: 'answer',
        status: response.status,
        headers: response.headers,
        body: text,
        milliseconds,
      };
    } catch (error) {
      return { kind: 'silence', reason: reasonOf(error) };
    }
  };
}

/** An answer that is a stream of events never ends: what it says is not needed. */
async function readAtMost(response: Response): Promise<string | undefined> {
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    await response.body?.cancel();
    return '';
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > mostBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError')
    return `no answer within ${withinMilliseconds / 1_000} s`;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return cause instanceof Error ? cause.message : String(cause);
}
