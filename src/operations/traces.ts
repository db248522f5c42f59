/**
 * Sends a span of each request to an OpenTelemetry collector, as OTLP over HTTP in JSON. Owns what a span says, which is nothing that a
 * caller wrote: method, endpoint, status and times. An address or a header would carry codes, tokens and links that are for one
 * browser alone. A collector that is away costs nothing but its spans.
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { TraceSettings } from '../config.ts';
import { newSpanId, newTrace, readTraceparent, type TraceContext } from './trace-context.ts';

/** A request that was answered. */
export interface AnsweredRequest {
  readonly trace: TraceContext;
  readonly method: string;
  readonly endpoint: string;
  readonly status: number;
  readonly outcome: string;
  /** Since the epoch. */
  readonly beganMilliseconds: number;
  readonly milliseconds: number;
}

export interface Traces {
  /** Finds the trace that a request belongs to, or begins one. */
  of(traceparent: string | string[] | undefined): TraceContext;
  /** Notes an answered request, if its trace is kept. */
  note(request: AnsweredRequest): void;
  /** Sends what is left. Never throws. */
  settle(): Promise<void>;
}

const sendEveryMilliseconds = 2_000;
const answerWithinMilliseconds = 5_000;
/** What waits for a collector that does not answer; further spans are dropped. */
const mostSpans = 2_048;
const spansAtOnce = 512;
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']);
/** Kinds and states by their numbers in the protocol. */
const [serverKind, errorState] = [2, 2];

export function createTraces(
  settings: TraceSettings,
  { version, log }: { version: string; log: Logger },
): Traces {
  const { endpoint, headers, service, ratio } = settings;
  let waiting: object[] = [];
  let dropped = 0;
  let sending: Promise<void> | undefined;
  const resource = {
    attributes: attributesOf({
      'service.name': service,
      'service.version': version,
      'service.instance.id': randomUUID(),
    }),
  };

  const send = async (): Promise<void> => {
    while (waiting.length > 0) {
      const spans = waiting.slice(0, spansAtOnce);
      waiting = waiting.slice(spansAtOnce);
      try {
        const scopeSpans = [{ scope: { name: 'mandate', version }, spans }];
        const response = await fetch(`${endpoint}/v1/traces`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', ...headers },
          body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans }] }),
          redirect: 'error',
          signal: AbortSignal.timeout(answerWithinMilliseconds),
        });
        await response.body?.cancel();
        if (!response.ok) throw new Error(`the collector answered ${response.status}`);
      } catch (error) {
        dropped += spans.length + waiting.length;
        waiting = [];
        log.warn({ err: error, dropped }, 'traces could not be sent');
      }
    }
  };
  const sendDue = () => {
    sending ??= send().finally(() => {
      sending = undefined;
    });
    return sending;
  };
  const timer = setInterval(sendDue, sendEveryMilliseconds).unref();

  return {
    of: (traceparent) => readTraceparent(traceparent) ?? newTrace(),
    note(request) {
      const { trace } = request;
      if (!(trace.sampled ?? isKept(trace.traceId, ratio))) return;
      if (waiting.length >= mostSpans) dropped += 1;
      else waiting.push(spanOf(request));
    },
    async settle() {
      clearInterval(timer);
      await sending;
      await sendDue();
    },
  };
}

/** Decides for a whole trace, the same on every node. */
const isKept = (traceId: string, ratio: number) => Number.parseInt(traceId.slice(-8), 16) < ratio * 2 ** 32;

function spanOf({
  trace,
  method,
  endpoint,
  status,
  outcome,
  beganMilliseconds,
  milliseconds,
}: AnsweredRequest) {
  const known = methods.has(method) ? method : '_OTHER';
  const failed = status >= 500 || outcome === 'aborted';
  return {
    traceId: trace.traceId,
    spanId: newSpanId(),
    ...(trace.parentId !== undefined && { parentSpanId: trace.parentId }),
    name: `${known === '_OTHER' ? 'HTTP' : known} ${endpoint}`,
    kind: serverKind,
    startTimeUnixNano: nanoseconds(beganMilliseconds),
    endTimeUnixNano: nanoseconds(beganMilliseconds + milliseconds),
    attributes: attributesOf({
      'http.request.method': known,
      'http.response.status_code': status,
      'mandate.endpoint': endpoint,
      'mandate.outcome': outcome,
      ...(failed && { 'error.type': outcome === 'aborted' ? 'aborted' : String(status) }),
    }),
    ...(failed && { status: { code: errorState } }),
  };
}

/** 64-bit numbers are strings in the protocol's JSON. */
const nanoseconds = (milliseconds: number) => String(BigInt(Math.round(milliseconds * 1_000)) * 1_000n);

function attributesOf(values: Readonly<Record<string, string | number>>) {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  }));
}
