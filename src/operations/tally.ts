/**
 * What happens how often, counted in this process. Owns the numbers; does not own what becomes of them: they are written to the
 * database in coarse buckets (`activity-recorder.ts`) and shown to a scraper (`metrics.ts`).
 */

/** A number that only grows while the process lives. Whoever counts often keeps it and adds to it: nothing is looked up then. */
export interface Counter {
  n: number;
}

/** What is counted, with every outcome that it can have. */
export const topics = {
  introspection: ['active', 'inactive', 'refused_caller', 'unavailable'],
  sign_in: ['signed_in', 'wrong', 'limited'],
  token: ['authorization_code', 'refresh_token', 'client_credentials', 'device_code', 'identity_assertion'],
} as const;

export type Topic = keyof typeof topics;
export type Outcome<T extends Topic> = (typeof topics)[T][number];

export interface Tallied {
  readonly topic: Topic;
  readonly outcome: string;
  /** The resource server's name, where there is one; else empty. */
  readonly party: string;
  readonly counter: Counter;
}

export interface Tally {
  /** Finds the counter of these names: the same object each time. @param party a name of the database, never of a request */
  of<T extends Topic>(topic: T, outcome: Outcome<T>, party?: string): Counter;
  /** Everything that was ever asked for. */
  all(): readonly Tallied[];
}

/** More parties than these are counted as one, so that nothing grows without an end. */
const mostParties = 1_000;
/** Stands for the parties beyond; no resource server can have this name. */
export const otherParties = '(other)';

export function createTally(most = mostParties): Tally {
  const counters = new Map<string, Tallied>();
  const parties = new Set(['']);
  return {
    of(topic, outcome, given = '') {
      if (parties.size <= most) parties.add(given);
      const party = parties.has(given) ? given : otherParties;
      const key = `${topic} ${outcome} ${party}`;
      let found = counters.get(key);
      if (!found) {
        found = { topic, outcome, party, counter: { n: 0 } };
        counters.set(key, found);
      }
      return found.counter;
    },
    all: () => [...counters.values()],
  };
}
