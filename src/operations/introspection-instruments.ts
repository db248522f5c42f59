/** What the hot path keeps for whoever operates the server: numbers that are there before they are needed, and nothing to look up. */
import { createHistogram, type Histogram } from './histogram.ts';
import type { Counter, Outcome, Tally } from './tally.ts';

/** What comes of a question, in the words of its counters. */
export type IntrospectionOutcome = Outcome<'introspection'>;

/** What was answered to one resource server. */
export interface CallerCounters {
  readonly active: Counter;
  readonly inactive: Counter;
}

export interface IntrospectionInstruments {
  /** @param name of an authenticated resource server */
  of(name: string): CallerCounters;
  /** Callers that were not authenticated. */
  readonly refusedCaller: Counter;
  /** Questions that could not be answered. */
  readonly unavailable: Counter;
  /** Answers that this process remembered, and those that it had to make. */
  readonly recalled: Counter;
  readonly made: Counter;
  /** How long one in `sampledOneIn` took, from the head of the question to the answer, by what came of it. */
  readonly latency: Readonly<Record<IntrospectionOutcome, Histogram>>;
  /** How long the reads took that proved on PostgreSQL that no change was missed. */
  readonly changeReads: Histogram;
  /** What the memory holds, in bytes, and the last change that is known; set by whoever has them. */
  memory: () => Readonly<Record<string, number>>;
  changeNumber: () => number;
}

/** A clock is read twice for each that is measured: one in sixteen shows the same distribution. */
export const sampledOneIn = 16;

export function createIntrospectionInstruments(tally: Tally): IntrospectionInstruments {
  return {
    of: (name) => ({
      active: tally.of('introspection', 'active', name),
      inactive: tally.of('introspection', 'inactive', name),
    }),
    refusedCaller: tally.of('introspection', 'refused_caller'),
    unavailable: tally.of('introspection', 'unavailable'),
    recalled: { n: 0 },
    made: { n: 0 },
    latency: {
      active: createHistogram(),
      inactive: createHistogram(),
      refused_caller: createHistogram(),
      unavailable: createHistogram(),
    },
    changeReads: createHistogram(),
    memory: () => ({}),
    changeNumber: () => 0,
  };
}
