/**
 * What an authorization was used for, as resource servers tell it: a capability, and where. Owns the rows; never decides a
 * right. An introspection cannot tell it, because it is asked before anything is done.
 */

import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import type { Clock } from '../clock.ts';
import type { Addition } from '../policy/additions.ts';
import { mostParents } from '../policy/handed-on.ts';
import type { Use } from '../policy/narrow-to-used.ts';
import type { Catalogue } from '../policy/vocabulary.ts';

/** A use moves in steps of this many seconds. */
const stepSeconds = 60;

/** One use as it is told. */
export interface ToldUse {
  readonly authorizationId: string;
  readonly capability: string;
  /** Project or MCP server id; null for the organization. */
  readonly place: string | null;
}

export interface AuthorizationUses {
  /**
   * Keeps what concerns an authorization that lives and something that it picks; anything else is left out. What was handed on is used
   * through what it came from, so that narrowing that to its uses leaves it what the others need.
   */
  record(told: readonly ToldUse[]): Promise<void>;
  /** Lists the uses of one authorization, the latest first. */
  of(authorizationId: string): Promise<Use[]>;
}

export function createAuthorizationUses(deps: {
  store: Store;
  clock: Clock;
  catalogue: Catalogue;
}): AuthorizationUses {
  const { store, clock, catalogue } = deps;

  /** Finds what uses count for, by the ids that are told: what was handed on is used through what it came from. */
  async function readRoots(ids: readonly string[]) {
    const found = new Map<string, { id: string; places: ReadonlySet<string> }>();
    let asked = ids.map((id) => ({ told: id, id }));
    for (let depth = 0; depth <= mostParents && asked.length > 0; depth++) {
      // authorizations by primary key
      const rows = await store.db
        .selectFrom('authorizations')
        .select(['id', 'projects', 'mcp_servers', 'additions', 'parent_id'])
        .where('id', 'in', [...new Set(asked.map(({ id }) => id))])
        .where('status', '!=', 'revoked')
        .execute();
      const byId = new Map(rows.map((row) => [row.id, row]));
      asked = asked.flatMap(({ told, id }) => {
        const row = byId.get(id);
        if (row && row.parent_id !== null) return { told, id: row.parent_id };
        if (row) found.set(told, { id, places: placesOf(row) });
        return [];
      });
    }
    return found;
  }

  return {
    async record(told) {
      const known = told.filter(({ capability }) => catalogue.has(capability));
      if (known.length === 0) return;
      const roots = await readRoots([...new Set(known.map(({ authorizationId }) => authorizationId))]);
      const kept = known.flatMap((use) => {
        const root = roots.get(use.authorizationId);
        if (!root || (use.place !== null && !root.places.has(use.place))) return [];
        return { ...use, authorizationId: root.id };
      });
      if (kept.length === 0) return;
      const at = clock.now();
      await store.transact(async (trx) => {
        for (const { authorizationId, capability, place } of kept) {
          // authorization_uses by primary key
          await trx
            .insertInto('authorization_uses')
            .values({ authorization_id: authorizationId, capability, place: place ?? '', last_used_at: at })
            .onConflict((conflict) =>
              conflict
                .columns(['authorization_id', 'capability', 'place'])
                .doUpdateSet({ last_used_at: at })
                .where('authorization_uses.last_used_at', '<=', at - stepSeconds),
            )
            .execute();
        }
      });
    },
    async of(authorizationId) {
      // authorization_uses by the first part of its primary key
      const rows = await store.db
        .selectFrom('authorization_uses')
        .select(['capability', 'place', 'last_used_at'])
        .where('authorization_id', '=', authorizationId)
        .orderBy('last_used_at', 'desc')
        .execute();
      return rows.map(({ capability, place, last_used_at }) => ({
        capability,
        place: place === '' ? null : place,
        at: last_used_at,
      }));
    },
  };
}

/** What is told comes late: what was picked for a while and is over counts, too. */
function placesOf(
  row: Pick<Database['authorizations'], 'projects' | 'mcp_servers' | 'additions'>,
): ReadonlySet<string> {
  const projects = JSON.parse(row.projects) as { id: string }[];
  const additions = JSON.parse(row.additions) as Addition[];
  return new Set([
    ...projects.map(({ id }) => id),
    ...(JSON.parse(row.mcp_servers) as string[]),
    ...additions.flatMap((addition) => [...addition.projects.map(({ id }) => id), ...addition.mcpServers]),
  ]);
}
