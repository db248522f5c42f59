/** Everything that is due from time to time, as one piece: what has ended goes, and keys are renewed. */
import type { Store } from '../db/open.ts';
import { createUnusedClients } from './clients/unused-clients.ts';
import type { Clock } from './clock.ts';
import { createGarbageCollector, type GarbageCollector } from './oauth/collect-garbage.ts';
import type { SigningKeys } from './oauth/signing-keys.ts';
import type { Stores } from './stores.ts';

/** @param deps.signingKeyDays how long keys sign; without it only an operator renews them */
export function createUpkeep(deps: {
  store: Store;
  clock: Clock;
  stores: Stores;
  keys: Pick<SigningKeys, 'keepUp'>;
  signingKeyDays?: number;
}): GarbageCollector {
  const { stores, keys } = deps;
  const collector = createGarbageCollector(deps);
  const unusedClients = createUnusedClients({ ...deps, ...stores });
  return {
    collect: async () =>
      (await stores.activity.prune()) +
      (await stores.apiKeys.recordEnds()) +
      (await stores.outbox.clear()) +
      (await stores.accountLinks.clear()) +
      (await unusedClients.clear()) +
      (await keys.keepUp(deps.signingKeyDays ?? 0)) +
      (await collector.collect()),
  };
}
