/**
 * Clears away clients that made themselves known and never got anything: nobody misses them, and the next connection makes
 * them known again under the same id. A client that anybody ever authorized stays.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { ExpressionBuilder } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import type { Clock } from '../clock.ts';
import type { ClientStore } from './client-store.ts';

/** How long a client may be known without an authorization; it counts from when it was last registered or changed. */
const keptUnusedSeconds = 86_400;
/** Clients a call. */
const atOnce = 200;
/** Clients looked at before others have their turn. */
const stepRows = 1_000;

/** Whoever authorizes a client notes that it is in use in the same transaction (`keepInUse`), and the two wait for each other. */
const unusedSince =
  (due: number) =>
  ({ and, eb, not, exists, selectFrom }: ExpressionBuilder<Database, 'clients'>) =>
    and([
      eb('kind', '<>', 'registered'),
      eb('disabled', '=', 0),
      eb('verified', '=', 0),
      eb('updated_at', '<', due),
      not(
        exists(selectFrom('authorizations as a').select('a.id').whereRef('a.client_id', '=', 'clients.id')),
      ),
    ]);

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
      const unused = await find(due);
      if (unused.length === 0) return 0;
      return await store.transactApart(async (trx) => {
        let cleared = 0;
        for (const id of unused) {
          // Looked at once more by the statement that removes it: somebody may have authorized it since.
          const removed = await clients.within(trx).remove({ id: 'system' }, id, unusedSince(due));
          if (removed.outcome !== 'done') continue;
          // oidc_artifacts_by_client: the token that manages it has no end of its own
          await trx.deleteFrom('oidc_artifacts').where('client_id', '=', id).execute();
          cleared += 1;
        }
        return cleared;
      });
    },
  };

  /** Reads through all that there are, of which most are in use. */
  async function find(due: number): Promise<string[]> {
    const found: string[] = [];
    for (let after = ''; found.length < atOnce; ) {
      // clients by primary key
      const step = await store.db
        .selectFrom('clients')
        .select('id')
        .where('id', '>', after)
        .orderBy('id')
        .offset(stepRows - 1)
        .limit(1)
        .executeTakeFirst();
      // clients by primary key; authorizations_by_client for each
      let unused = store.db
        .selectFrom('clients')
        .select('id')
        .where('id', '>', after)
        .where(unusedSince(due));
      if (step) unused = unused.where('id', '<=', step.id);
      for (const { id } of await unused.limit(atOnce - found.length).execute()) found.push(id);
      if (!step) break;
      after = step.id;
      await turn();
    }
    return found;
  }
}
