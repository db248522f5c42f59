/**
 * Sign-ins at other providers that are under way. Owns their rows: each is found by its `state`, answered once, and only by the
 * browser that was sent; any node can take the answer.
 */
import type { Store } from '../../db/open.ts';
import type { Clock } from '../clock.ts';
import type { Secrets } from '../secrets.ts';

/** What an answer is judged by. */
export interface UpstreamRequest {
  readonly provider: string;
  /** Path and query of ours that the answer is taken to. */
  readonly backTo: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly begunAt: number;
  /** The person was to prove who they are, however recently they did. */
  readonly again: boolean;
  /** What the step after it needs to remember. */
  readonly held?: string | undefined;
}

export interface UpstreamRequestStore {
  /** @param browser a secret of the place and the browser that is sent */
  open(state: string, browser: string, request: UpstreamRequest): Promise<void>;
  /** Reads where an answer belongs, without using it up. */
  find(state: string): Promise<UpstreamRequest | undefined>;
  /** Takes the request of an answer; another browser's stays where it is. */
  take(state: string, browser: string): Promise<UpstreamRequest | undefined>;
}

/** As long as somebody may need over there: a forgotten password, a second device. */
const secondsOpen = 900;

export function createUpstreamRequestStore(deps: {
  store: Store;
  clock: Clock;
  secrets: Secrets;
}): UpstreamRequestStore {
  const { store, clock, secrets } = deps;
  const keysOf = (state: string) => secrets.keyedHashes('upstream-state', state);
  const placeOf = (key: string) => ({ of: 'upstream_requests.sealed', id: key });
  const opened = (row: { key: string; sealed: string } | undefined) =>
    row && (JSON.parse(secrets.unseal(row.sealed, placeOf(row.key))) as UpstreamRequest);
  return {
    async open(state, browser, request) {
      const [key] = keysOf(state);
      await store.db
        // Primary key.
        .insertInto('upstream_requests')
        .values({
          key,
          browser: secrets.keyedHash('upstream-browser', browser),
          sealed: secrets.seal(JSON.stringify(request), placeOf(key)),
          expires_at: clock.now() + secondsOpen,
        })
        .execute();
    },
    async find(state) {
      const row = await store.db
        // Primary key.
        .selectFrom('upstream_requests')
        .select(['key', 'sealed'])
        .where('key', 'in', keysOf(state))
        .where('expires_at', '>', clock.now())
        .executeTakeFirst();
      return opened(row);
    },
    async take(state, browser) {
      const row = await store.db
        // Primary key.
        .deleteFrom('upstream_requests')
        .where('key', 'in', keysOf(state))
        .where('browser', 'in', secrets.keyedHashes('upstream-browser', browser))
        .where('expires_at', '>', clock.now())
        .returning(['key', 'sealed'])
        .executeTakeFirst();
      return opened(row);
    },
  };
}
