import { mustBound } from './bounds.ts';
import {
  type ChangeListener,
  type ChangeStreamOptions,
  changeStreamOf,
  listenToChanges,
} from './change-listener.ts';
import type { ActiveIntrospection, Introspect } from './introspection.ts';
import { createInvalidations } from './invalidations.ts';
import { createMonotonic } from './monotonic.ts';

export interface CachedIntrospectorOptions {
  /** What asks Mandate when nothing that holds is remembered: `createIntrospector(…)`. */
  readonly introspector: { readonly introspect: Introspect };
  /** The change stream of the same Mandate, as the same resource server. */
  readonly stream: ChangeStreamOptions;
  /** How many tokens are remembered at most; 10,000 by default. */
  readonly mostEntries?: number;
  /**
   * How old an answer may be at most; 1000 by default. A change shows after a few hundredths of a second while the stream
   * works; this bounds it when the stream does not. Mandate proves the stream every half second: with less than about 700,
   * every other question goes to Mandate.
   */
  readonly maxStalenessMilliseconds?: number;
  /** Milliseconds that only ever go on; the runtime's own by default. */
  readonly monotonic?: () => number;
}

export interface CachedIntrospector {
  /** Tells what a token may do, from memory while that is provably not too old, else by asking. */
  readonly introspect: Introspect;
  /** Whether answers are given from memory now; when not, every question is asked. */
  readonly isAlive: boolean;
  /** Stops listening and forgets everything; questions are asked from now on. */
  close(): void;
}

interface Entry {
  readonly answer: Promise<ActiveIntrospection>;
  readonly authorizationId: string;
  /** Integer seconds; infinite for what does not expire. */
  readonly expiresAt: number;
  /** At which it is known to hold. */
  position: number;
}

/**
 * Makes an introspector that remembers active answers and listens to Mandate's change stream to forget them. It answers from
 * memory only while the stream is provably in step; otherwise it is closed, and every question is asked. So an answer is never
 * older than `maxStalenessMilliseconds`, whatever fails. It begins to listen with the first question. Inactive answers are not remembered: what becomes active is active at once.
 *
 * The tokens themselves are the keys of its memory, in this process and nowhere else. Answers are shared by everyone who asks, and frozen.
 *
 * @throws RangeError when a bound is no number: one that was misread from a setting would bound nothing
 * @throws TypeError when the stream's issuer is no web address, or an id, or a secret or key, is missing
 */
export function createCachedIntrospector(options: CachedIntrospectorOptions): CachedIntrospector {
  const { introspector, mostEntries = 10_000, maxStalenessMilliseconds = 1_000 } = options;
  mustBound({ mostEntries, maxStalenessMilliseconds });
  const monotonic = options.monotonic ?? createMonotonic();
  const invalidations = createInvalidations(Math.max(mostEntries, 1_000));
  // Two halves: when the young one is full it becomes the old one, and what is asked for again moves to the young one.
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();
  let closed = false;

  const forgetAll = () => {
    invalidations.forget();
    young.clear();
    old.clear();
  };
  const stream = changeStreamOf(options.stream);
  const listen = () =>
    listenToChanges(
      stream,
      { onAuthorization: (id) => invalidations.note(id), onFlush: forgetAll },
      monotonic,
    );
  let listener: ChangeListener | undefined;

  function put(token: string, entry: Entry): void {
    if (young.size >= mostEntries / 2) {
      old = young;
      young = new Map();
    }
    young.set(token, entry);
  }

  function take(token: string): Entry | undefined {
    const entry = young.get(token);
    if (entry) return entry;
    const older = old.get(token);
    if (!older) return undefined;
    old.delete(token);
    put(token, older);
    return older;
  }

  function isUnchanged(entry: Entry): boolean {
    const { position } = invalidations;
    if (entry.position === position) return true;
    if (!invalidations.unchangedSince(entry.position, entry.authorizationId)) return false;
    entry.position = position;
    return true;
  }

  async function ask(token: string, remember: boolean) {
    // Before the question: what is said while it is on its way counts against its answer.
    const { position } = invalidations;
    const introspection = await introspector.introspect(token);
    if (introspection.active && remember && !closed) {
      const answer = freeze(introspection);
      put(token, {
        answer: Promise.resolve(answer),
        authorizationId: answer.authorization_id,
        expiresAt: answer.exp ?? Number.POSITIVE_INFINITY,
        position,
      });
    }
    return introspection;
  }

  return {
    introspect(token) {
      if (closed) return introspector.introspect(token);
      // With the first question, not before: some runtimes allow no request while they load.
      listener ??= listen();
      const { proof } = listener;
      if (proof === undefined) return ask(token, false);
      const age = monotonic() - proof.at;
      if (age > maxStalenessMilliseconds) return ask(token, true);
      const entry = take(token);
      if (!entry) return ask(token, true);
      if (isUnchanged(entry)) {
        // Mandate's clock decides, not this machine's; it tells whole seconds.
        if (proof.second + 1 + age / 1_000 < entry.expiresAt) return entry.answer;
      }
      young.delete(token);
      return ask(token, true);
    },
    get isAlive() {
      const proof = listener?.proof;
      return proof !== undefined && monotonic() - proof.at <= maxStalenessMilliseconds;
    },
    close() {
      closed = true;
      listener?.close();
      forgetAll();
    },
  };
}

function freeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) freeze(part);
  return Object.freeze(value);
}
