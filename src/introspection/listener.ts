/**
 * `/introspect` as the application sees it: the short path first, every other way of asking after it.
 * Owns how the steps are put together; each is a file of its own.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Store } from '../../db/open.ts';
import { createChangeLedger } from '../changes/change-ledger.ts';
import { createFreshness } from '../changes/freshness.ts';
import { createIntrospectionInstruments } from '../operations/introspection-instruments.ts';
import { createTally } from '../operations/tally.ts';
import { createIntrospection } from './endpoint.ts';
import { createFastPath, type FastPath, type FastPathDependencies } from './fast-path.ts';
import { createLiveView, type LiveViewDependencies } from './live-view.ts';
import { createPlainView } from './plain-view.ts';

/** Its `take` is to be told of every request first: it takes those in the common way of asking, and leaves any other as it is. */
export interface IntrospectionListener extends FastPath {
  /** Takes any request for this path that came to the right host. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Answers those who wait, where that can be done at once: for whoever is about to keep the thread. */
  hurry(): void;
}

export type IntrospectionDependencies = Omit<LiveViewDependencies, 'ledger' | 'freshness'> &
  Pick<FastPathDependencies, 'callers' | 'onUse' | 'open' | 'monotonic'> & {
    readonly store: Store;
    /** Told why an answer could not be given. */
    readonly onFailure: (error: unknown) => void;
  };

export function createIntrospectionListener(deps: IntrospectionDependencies): IntrospectionListener {
  const ledger = createChangeLedger();
  const instruments = deps.instruments ?? createIntrospectionInstruments(createTally());
  const freshness = createFreshness({
    store: deps.store,
    ledger,
    onRead: (milliseconds) => instruments.changeReads.note(milliseconds / 1_000),
  });
  instruments.changeNumber = freshness.known;
  const plain = createIntrospection({ ...deps, instruments, view: createPlainView(deps) });
  const view = createLiveView({ ...deps, instruments, ledger, freshness });
  return {
    ...createFastPath({ ...deps, instruments, view, freshness, plain }),
    handle: plain.handle,
    hurry: freshness.hurry,
  };
}
