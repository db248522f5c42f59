/**
 * What is known of every request but the hot introspections: its id, how long it took, what came of it. Owns the id and the line in
 * the log; does not own what is answered.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { epochMilliseconds } from '../clock.ts';
import { endpointOf, outcomeOf } from './endpoint-name.ts';
import { createHistogram, type Histogram } from './histogram.ts';
import { readTraceparent } from './trace-context.ts';
import type { Traces } from './traces.ts';

export interface Requests {
  /** Notes that a request has come; it names it in `X-Request-Id`, which whoever answers may read. */
  begin(request: IncomingMessage, response: ServerResponse): void;
  readonly inFlight: number;
  latencies(): readonly { endpoint: string; outcome: string; histogram: Histogram }[];
}

/** Asked all day by machines, of this very node: no part of what anybody traces. */
const untraced = new Set(['health', 'metrics']);

/** @param deps.traces where spans go; nowhere when absent */
export function createRequests(deps: {
  log: Logger;
  monotonic: () => number;
  traces?: Pick<Traces, 'of' | 'note'> | undefined;
}): Requests {
  const { log, monotonic, traces } = deps;
  const histograms = new Map<string, { endpoint: string; outcome: string; histogram: Histogram }>();
  let inFlight = 0;

  const histogramOf = (endpoint: string, outcome: string): Histogram => {
    const key = `${endpoint} ${outcome}`;
    const known = histograms.get(key) ?? { endpoint, outcome, histogram: createHistogram() };
    histograms.set(key, known);
    return known.histogram;
  };

  return {
    begin(request, response) {
      const begun = monotonic();
      // Never the caller's own: it would let anyone write into the log, or make two requests look like one.
      const requestId = randomUUID();
      const endpoint = endpointOf(request.url ?? '');
      // Introspection answers the same to the letter whichever way it is asked, and the short way has no room for an id.
      if (endpoint !== 'introspect') response.setHeader('X-Request-Id', requestId);
      const trace = traces
        ? traces.of(request.headers.traceparent)
        : readTraceparent(request.headers.traceparent);
      const beganMilliseconds = traces ? epochMilliseconds() : 0;
      inFlight += 1;
      response.once('close', () => {
        inFlight -= 1;
        const { statusCode: status } = response;
        const outcome = outcomeOf(status, response.writableFinished);
        const milliseconds = monotonic() - begun;
        // A stream lasts as long as its listener wants.
        if (endpoint !== 'changes') histogramOf(endpoint, outcome).note(milliseconds / 1_000);
        if (traces && trace && !untraced.has(endpoint)) {
          const method = request.method ?? '';
          traces.note({ trace, method, endpoint, status, outcome, beganMilliseconds, milliseconds });
        }
        const level = outcome === 'failure' ? 'warn' : 'debug';
        if (!log.isLevelEnabled(level)) return;
        log[level](
          {
            requestId,
            traceId: trace?.traceId,
            method: request.method,
            // Not the path: it may hold what one browser alone may know.
            endpoint,
            status,
            outcome,
            milliseconds: Math.round(milliseconds * 10) / 10,
          },
          'request',
        );
      });
    },
    get inFlight() {
      return inFlight;
    },
    latencies: () => [...histograms.values()],
  };
}
