/**
 * The signing keys as this node uses them. Owns when they are read again and handed to the engine; their life is
 * `signing-keys.ts`'s. The only file that uses the engine's own, unpublished way to set keys; its contract test is
 * `test/fault/signing-keys.test.ts`.
 *
 * A request that shows or uses keys reads them when the last reading is some seconds old, so a new key is in every node's key
 * set long before any node signs with it (`leastLeadSeconds`), and a node that slept or lost its database cannot be the exception.
 */
import type Koa from 'koa';
import type Provider from 'oidc-provider';
import setKeys from 'oidc-provider/lib/helpers/initialize_keystore.js';
import type { Store } from '../../db/open.ts';
import type { Clock } from '../clock.ts';
import { leastLeadSeconds, type SigningKey, type SigningKeys } from './signing-keys.ts';

/** Readings are shared by the requests of this time. */
const readEveryMilliseconds = 5_000;
/** Keys that were read earlier than this may be other ones by now: with a lead of 30 s, some are left for clocks that differ. */
const staleAfterMilliseconds = (leastLeadSeconds - 10) * 1_000;
/** Requests in which a key is shown, signs or verifies. */
const usesKeys = /^\/(jwks|token|authorize|par|session\/end)(\/|$)/;

export interface KeyRing {
  /** Makes sure that a request uses the keys of now. */
  readonly middleware: Koa.Middleware;
}

/**
 * @param loaded the keys that the provider was made with
 * @param monotonic milliseconds that never go back
 */
export function createKeyRing(deps: {
  readonly provider: Provider;
  readonly keys: Pick<SigningKeys, 'load'>;
  readonly loaded: readonly SigningKey[];
  readonly clock: Clock;
  readonly monotonic: () => number;
  readonly store: Pick<Store, 'wait'>;
}): KeyRing {
  const { provider, keys, clock, monotonic, store } = deps;
  let readAt = monotonic();
  let order = orderOf(deps.loaded);
  let nextStart = nextStartOf(deps.loaded);
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    const began = monotonic();
    const found = await keys.load();
    if (orderOf(found) !== order) {
      setKeys.call(provider, { keys: found.map(({ jwk }) => jwk) });
      order = orderOf(found);
    }
    nextStart = nextStartOf(found);
    readAt = began;
  }

  async function refresh(): Promise<void> {
    const age = monotonic() - readAt;
    if (age < readEveryMilliseconds && clock.now() < nextStart) return;
    try {
      await store.wait(() => {
        reading ??= read().finally(() => {
          reading = undefined;
        });
        return reading;
      });
    } catch (error) {
      // What no other node can be signing without is good enough; what is older is not.
      if (monotonic() - readAt >= staleAfterMilliseconds) throw error;
    }
  }

  return {
    async middleware(ctx, next) {
      if (usesKeys.test(ctx.path)) await refresh();
      await next();
    },
  };
}

/** The keys in their order; the first of an algorithm signs. */
const orderOf = (keys: readonly SigningKey[]) => keys.map(({ kid }) => kid).join(' ');

/** When a published key takes over. */
const nextStartOf = (keys: readonly SigningKey[]) =>
  Math.min(...keys.filter(({ state }) => state === 'published').map(({ signsFrom }) => signsFrom));
