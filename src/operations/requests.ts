/**
 * What is known of every request but the hot introspections: its id, how long it took, what came of it. Owns the id and the line in
 * the log; does not own what is answered.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { endpointOf, outcomeOf } from './endpoint-name.ts';
import { createHistogram, type Histogram } from './histogram.ts';

export interface Requests {
  /** Notes that a request has come; it names it in `X-Request-Id`, which whoever answers may read. */
  begin(request: IncomingMessage, response: ServerResponse): void;
  readonly inFlight: number;
  latencies(): readonly { endpoint: string; outcome: string; histogram: Histogram }[];
}

/** W3C Trace Context section 3.2.2: version, trace id, parent id, flags; an id of zeros is none. */
const traceparent = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Reads the trace that a request belongs to. Pure. @returns undefined unless the header is well formed */
export function traceIdOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? traceparent.exec(header)?.[1] : undefined;
}

export function createRequests({ log, monotonic }: { log: Logger; monotonic: () => number }): Requests {
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
      inFlight += 1;
      response.once('close', () => {
        inFlight -= 1;
        const { statusCode: status } = response;
        const outcome = outcomeOf(status, response.writableFinished);
        const milliseconds = monotonic() - begun;
        // A stream lasts as long as its listener wants.
        if (endpoint !== 'changes') histogramOf(endpoint, outcome).note(milliseconds / 1_000);
        const level = outcome === 'failure' ? 'warn' : 'debug';
        if (!log.isLevelEnabled(level)) return;
        log[level](
          {
            requestId,
            traceId: traceIdOf(request.headers.traceparent),
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
