/** Where a request stands in a trace. @see https://www.w3.org/TR/trace-context/ */
import { randomBytes } from 'node:crypto';

export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** Of the caller's span; undefined where the trace begins here. */
  readonly parentId: string | undefined;
  /** Whether whoever began the trace wants it kept; undefined where it begins here. */
  readonly sampled: boolean | undefined;
}

/** Section 3.2.2: version, trace id, parent id, flags; an id of zeros is none, and there is no version ff. */
const traceparent = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Reads what a caller says. Pure. @returns undefined unless the header is well formed */
export function readTraceparent(header: string | string[] | undefined): TraceContext | undefined {
  const [, traceId, parentId, flags] = (typeof header === 'string' && traceparent.exec(header)) || [];
  if (traceId === undefined || flags === undefined) return undefined;
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Begins a trace. */
export const newTrace = (): TraceContext => ({
  traceId: randomBytes(16).toString('hex'),
  parentId: undefined,
  sampled: undefined,
});

/** Makes the id of a span. */
export const newSpanId = (): string => randomBytes(8).toString('hex');
