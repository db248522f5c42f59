/**
 * Where public keys come from that are known by their address, such as a client's `jwks_uri`. Owns what is kept of them and when an address is
 * asked: every node sees the same keys, a burst of token requests asks once, and a host that is down takes nobody's access
 * for a day. Does not own the asking (`metadata-document-transport.ts`).
 * @see RFC 7591 section 2
 */
import type { Store } from '../../db/open.ts';
import type { Clock } from '../clock.ts';
import { readPublicKeys } from './client-keys.ts';
import type { PublicHttps } from './metadata-document-transport.ts';

export type KeySet =
  | { readonly kind: 'keys'; readonly jwks: string }
  | { readonly kind: 'unavailable'; readonly reason: string };

export interface KeySetSource {
  /** Finds the keys at an address, asking for them when what is kept is old. @param uri as the client registered it */
  find(uri: string): Promise<KeySet>;
}

const mostBytes = 64 * 1_024;
/** A key that is taken out counts no longer than this, and the library's own minute. */
const freshSeconds = 60;
/** For so long the last good keys stand in for a host that is down or answers with something else. */
const standInSeconds = 86_400;
/** A host that failed is left alone for so long. */
const leaveAloneSeconds = 15;
/** Addresses that are remembered to have failed, a node. */
const mostFailures = 1_000;

/** Creates the source. One for a server: it keeps one flight for each address. */
export function createKeySetSource(deps: {
  store: Store;
  clock: Clock;
  https: Pick<PublicHttps, 'get'>;
}): KeySetSource {
  const { store, clock, https } = deps;
  const flights = new Map<string, Promise<KeySet>>();
  const failures = new Map<string, { readonly at: number; readonly reason: string }>();

  return {
    async find(uri) {
      const kept = await store.db
        // Primary key.
        .selectFrom('client_key_sets')
        .select(['jwks', 'good_at'])
        .where('uri', '=', uri)
        .executeTakeFirst();
      if (kept && kept.good_at + freshSeconds > clock.now()) return { kind: 'keys', jwks: kept.jwks };
      const asked = await (flights.get(uri) ?? fly(uri));
      const standsIn = kept !== undefined && kept.good_at + standInSeconds > clock.now();
      return asked.kind === 'unavailable' && standsIn ? { kind: 'keys', jwks: kept.jwks } : asked;
    },
  };

  function fly(uri: string): Promise<KeySet> {
    const failed = failures.get(uri);
    if (failed && failed.at + leaveAloneSeconds > clock.now()) {
      return Promise.resolve({ kind: 'unavailable', reason: failed.reason });
    }
    const flight = ask(uri).finally(() => flights.delete(uri));
    flights.set(uri, flight);
    return flight;
  }

  async function ask(uri: string): Promise<KeySet> {
    const got = await https.get(uri, { mostBytes });
    if (got.kind !== 'answer') return fail(uri, got.reason);
    if (got.status !== 200) return fail(uri, `the host answered ${got.status}`);
    const read = await readPublicKeys(parsed(got.body));
    if (read.kind === 'refused') return fail(uri, read.reason);
    failures.delete(uri);
    const jwks = JSON.stringify(read.jwks);
    const row = { uri, jwks, good_at: clock.now() };
    await store.db
      // Primary key.
      .insertInto('client_key_sets')
      .values(row)
      .onConflict((conflict) => conflict.column('uri').doUpdateSet({ jwks, good_at: row.good_at }))
      .execute();
    // client_key_sets_by_age; what is too old to stand in is of no use: anybody may register any number of addresses
    await store.db
      .deleteFrom('client_key_sets')
      .where('good_at', '<', row.good_at - standInSeconds)
      .execute();
    return { kind: 'keys', jwks };
  }

  function fail(uri: string, reason: string): KeySet {
    if (failures.size >= mostFailures) failures.clear();
    failures.set(uri, { at: clock.now(), reason });
    return { kind: 'unavailable', reason };
  }
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
