/**
 * Clears away clients that made themselves known and never got anything: nobody misses them, and the next connection makes
 * them known again under the same id. A client that anybody ever authorized stays.
 */
import type { Store } from '../../db/open.ts';
import type { Clock } from '../clock.ts';
import type { ClientStore } from './client-store.ts';

/** How long a client may be known without an authorization; it counts from when it was last registered or changed. */
const keptUnusedSeconds = 86_400;
/** Clients a call. */
const atOnce = 200;

export interface UnusedClients {
  /** Removes those that are due. @returns how many went */
  clear(): Promise<number>;
}

export function createUnusedClients(deps: {
  store: Store;
  clock: Clock;
  clients: ClientStore;
}): UnusedClients {
  const { store, clock, clients } = deps;
  return {
    async clear() {
      const due = clock.now() - keptUnusedSeconds;
      const unused = await store.db
        // clients by primary key, read through; authorizations_by_client for each
        .selectFrom('clients as c')
        .select('c.id')
        .where('c.kind', '<>', 'registered')
        .where('c.disabled', '=', 0)
        .where('c.verified', '=', 0)
        .where('c.updated_at', '<', due)
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom('authorizations as a').select('a.id').whereRef('a.client_id', '=', 'c.id'))),
        )
        .limit(atOnce)
        .execute();
      if (unused.length === 0) return 0;
      await store.transact(async (trx) => {
        for (const { id } of unused) {
          // oidc_artifacts_by_client: the token that manages it has no end of its own
          await trx.deleteFrom('oidc_artifacts').where('client_id', '=', id).execute();
          await clients.within(trx).remove({ id: 'system' }, id);
        }
      });
      return unused.length;
    },
  };
}
