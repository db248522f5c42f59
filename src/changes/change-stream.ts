/**
 * Tells resource servers what changed, as server-sent events. Owns who listens, up to which change each was told, and the proof
 * that nothing was left out; does not own connections or their callers (`introspection/change-stream-endpoint.ts`).
 *
 * One look at the database every few milliseconds serves all listeners of this node. Each batch of a listener ends with
 *
 *     : alive 5012 1790000000
 *     id: 4711
 *
 * which says: 5012 ms after your request had arrived, at the second 1790000000, a look began, and you have now been told of every
 * change that was acknowledged before it. A receiver that adds those milliseconds to when it sent the request knows a moment up to
 * which it is complete, however long any of this was under way. When nothing can be proved, nothing is said.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import type { Clock } from '../clock.ts';
import type { Catalogue } from '../policy/vocabulary.ts';
import type { ChangeBatch, ChangeFeed } from './change-feed.ts';
import { type ConcernedBy, concerns } from './concern.ts';

/** Where a listener's text goes. */
export interface StreamSink {
  write(text: string): void;
  /** Bytes that were written and have not gone out. */
  backlogBytes(): number;
  /** Lets what was written go out, then closes. */
  end(): void;
}

export interface Listener {
  /** Id of the resource server. */
  readonly callerId: string;
  readonly guards: ConcernedBy;
  /** The last change that it knows of; its guards and its credentials were read after it. */
  readonly after: number;
  /** Whether it may have missed something that cannot be told any more. */
  readonly flush: boolean;
  /** When its request arrived, on the monotonic clock. */
  readonly openedAt: number;
  readonly sink: StreamSink;
}

export interface ChangeStream {
  /** Begins to tell a listener. @returns what forgets it, once its connection is gone */
  add(listener: Listener): () => void;
  /** How many listen. @param callerId of one resource server; of all, when left out */
  count(callerId?: string): number;
  /** Ends every stream and takes no more. */
  end(): void;
}

export interface ChangeStreamDependencies {
  readonly feed: ChangeFeed;
  readonly clock: Clock;
  readonly monotonic: () => number;
  readonly catalogue: Catalogue;
  readonly guardedBy: (resourceServerId: string) => Promise<ConcernedBy>;
  /** Told once when the database cannot be asked, not again before it could be. */
  readonly onFailure: (error: unknown) => void;
}

/** A change that is acknowledged is told this much later at most, and what reading and sending take. */
const lookEveryMilliseconds = 10;
const aliveEveryMilliseconds = 500;
/** Whoever lags behind by more is let go; it comes back and resumes. */
const mostBacklogBytes = 256 * 1_024;
/** A stream ends after this long: two clocks that run at different speeds are set against each other anew. */
const mostMilliseconds = 10 * 60_000;
/** A listener that would be told of more authorizations at once is told to forget all. */
const mostNamed = 500;
const retryMilliseconds = 250;

interface Told extends Omit<Listener, 'after' | 'flush' | 'guards'> {
  guards: ConcernedBy;
  after: number;
  flush: boolean;
  aliveAt: number;
}

export function createChangeStream(deps: ChangeStreamDependencies): ChangeStream {
  const { feed, clock, monotonic, catalogue } = deps;
  const listeners = new Set<Told>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let looking = false;
  let failing = false;
  let ended = false;

  function schedule(): void {
    if (timer !== undefined || looking || ended || listeners.size === 0) return;
    timer = setTimeout(() => {
      timer = undefined;
      looking = true;
      void look().finally(() => {
        looking = false;
        schedule();
      });
    }, lookEveryMilliseconds);
    timer.unref();
  }

  async function look(): Promise<void> {
    const provedAt = monotonic();
    const second = clock.now();
    try {
      const waiting = [...listeners].filter(({ openedAt }) => openedAt <= provedAt);
      const batches = await readBatches(waiting, await feed.latest());
      const guards = await readGuards(waiting, batches);
      // Nothing is told before everything was read: a listener's place and what it was told move together.
      for (const listener of waiting) {
        const batch = batches.get(listener.after);
        if (listeners.has(listener)) tell(listener, batch, provedAt, second);
        // What it guards from here on may already be of a later change than its batch: only what comes after that is held against it.
        listener.guards = guards.get(listener.callerId) ?? listener.guards;
      }
      failing = false;
    } catch (error) {
      if (!failing && !ended) deps.onFailure(error);
      failing = true;
    }
  }

  /** Reads what changed after each place that a listener is at; nearly always they are all at the same. */
  async function readBatches(waiting: readonly Told[], latest: number): Promise<Map<number, ChangeBatch>> {
    const batches = new Map<number, ChangeBatch>();
    for (const after of new Set(waiting.map((listener) => listener.after))) {
      if (after < latest) batches.set(after, await feed.since(after));
      // The counter went back: another database stands here now.
      if (after > latest) batches.set(after, { ...everything, to: latest });
    }
    return batches;
  }

  async function readGuards(waiting: readonly Told[], batches: ReadonlyMap<number, ChangeBatch>) {
    const guards = new Map<string, ConcernedBy>();
    if (![...batches.values()].some(({ guardsChanged }) => guardsChanged)) return guards;
    for (const id of new Set(waiting.map(({ callerId }) => callerId)))
      guards.set(id, await deps.guardedBy(id));
    return guards;
  }

  function tell(listener: Told, batch: ChangeBatch | undefined, provedAt: number, second: number): void {
    const changes = batch ? eventsFor(listener, batch, catalogue) : '';
    const events = listener.flush && batch?.flush !== true ? flushAt(listener.after) + changes : changes;
    listener.after = batch?.to ?? listener.after;
    listener.flush = false;
    // Its secret, its audiences, or whether it may ask at all: it authenticates again.
    const isOver =
      (batch !== undefined && (batch.resourceServers?.has(listener.callerId) ?? true)) ||
      provedAt - listener.openedAt > mostMilliseconds;
    if (events === '' && !isOver && provedAt - listener.aliveAt < aliveEveryMilliseconds) return;
    const isSlow = listener.sink.backlogBytes() > mostBacklogBytes;
    if (!isSlow) {
      const milliseconds = Math.floor(provedAt - listener.openedAt);
      listener.sink.write(`${events}: alive ${milliseconds} ${second}\nid: ${listener.after}\n\n`);
      listener.aliveAt = provedAt;
    }
    if (isSlow || isOver) {
      listeners.delete(listener);
      listener.sink.end();
    }
  }

  return {
    add(listener) {
      if (ended) {
        listener.sink.end();
        return () => {};
      }
      const told: Told = { ...listener, aliveAt: Number.NEGATIVE_INFINITY };
      listeners.add(told);
      listener.sink.write(`retry: ${retryMilliseconds}\n\n`);
      schedule();
      return () => void listeners.delete(told);
    },
    count(callerId) {
      if (callerId === undefined) return listeners.size;
      let count = 0;
      for (const listener of listeners) if (listener.callerId === callerId) count += 1;
      return count;
    },
    end() {
      ended = true;
      clearTimeout(timer);
      for (const { sink } of listeners) sink.end();
      listeners.clear();
    },
  };
}

const everything: Omit<ChangeBatch, 'to'> = {
  flush: true,
  authorizations: new Map(),
  guardsChanged: true,
  resourceServers: undefined,
};

/** Writes what of a batch concerns a listener. Pure. */
function eventsFor({ callerId, guards }: Told, batch: ChangeBatch, catalogue: Catalogue): string {
  if (batch.flush || batch.resourceServers?.has(callerId)) return flushAt(batch.to);
  const named: string[] = [];
  for (const [id, { version, seq, reaches }] of batch.authorizations) {
    if (!reaches.some((reach) => concerns(guards, reach, catalogue))) continue;
    named.push(`event: authorization\ndata: ${JSON.stringify({ id, version, seq })}\n\n`);
  }
  return named.length > mostNamed ? flushAt(batch.to) : named.join('');
}

const flushAt = (seq: number) => `event: flush\ndata: ${JSON.stringify({ seq })}\n\n`;
