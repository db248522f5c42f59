/** Everything that is due from time to time, as one piece: what has ended goes, and keys are renewed. */
import type { Store } from '../db/open.ts';
import { createOldChanges } from './changes/old-changes.ts';
import { createUnusedClients } from './clients/unused-clients.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { createGarbageCollector, type GarbageCollector } from './oauth/collect-garbage.ts';
import type { SigningKeys } from './oauth/signing-keys.ts';
import { neededAfterRestore } from './restoration.ts';
import type { Stores } from './stores.ts';

/** Without `signingKeyDays` only an operator renews keys; without `auditRetentionDays` changes are kept for ever. */
export type UpkeepSettings = Pick<Config, 'signingKeyDays' | 'auditRetentionDays'>;

/** Creates what does all of it, in its order. */
export function createUpkeep(
  deps: Partial<UpkeepSettings> & {
    store: Store;
    clock: Clock;
    stores: Stores;
    keys: Pick<SigningKeys, 'keepUp'>;
  },
): GarbageCollector {
  const { stores, keys, auditRetentionDays: days } = deps;
  const needed = neededAfterRestore(deps);
  const oldChanges = days === undefined ? undefined : createOldChanges({ ...deps, days, needed });
  const collector = createGarbageCollector({ ...deps, oldChanges });
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
