/**
 * Where the head of a request says which request it is, or which trace it belongs to: what is different each time while everything else
 * stays. Owns which headers those are; does not own what may follow from a head that is alike otherwise (`repeated-heads.ts`).
 */

/** Bytes of a head, the second of them excluded. */
export interface Extent {
  readonly from: number;
  readonly to: number;
}

/** Headers that carry nothing else. What a proxy says of where a request came from is none of them. */
const headers = [
  // W3C Trace Context
  'traceparent',
  'tracestate',
  // Zipkin, Jaeger, Datadog, and the clouds
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'uber-trace-id',
  'x-datadog-trace-id',
  'x-datadog-parent-id',
  'x-amzn-trace-id',
  'x-cloud-trace-context',
  'request-id',
  'x-request-id',
  'x-correlation-id',
];
const values = new RegExp(`\\r\\n(?:${headers.join('|')}):[ \\t]*([^\\r\\n]*)(?=\\r\\n)`, 'gi');

/** Finds those values. Pure. @param head one character for each byte @returns in their order */
export function traceValues(head: string): readonly Extent[] {
  return Array.from(head.matchAll(values), ({ 0: line, 1: value = '', index }) => {
    const to = index + line.length;
    return { from: to - value.length, to };
  });
}

/** Tells whether bytes are what any header's value may hold: printable ASCII, so that no line ends among them. Pure. */
export function isPlainText(bytes: Uint8Array, { from, to }: Extent): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number;
    if (byte < 0x20 || byte > 0x7e) return false;
  }
  return true;
}
