/**
 * Authorizations that were made of another one by token exchange (RFC 8693). Owns how they are found under each other; does not
 * own what holds of them (`policy/handed-on.ts`), nor their end (`authorization-store.ts`).
 */
import type { Kysely, Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import { newId } from '../ids.ts';
import { type HandedOn, mostParents } from '../policy/handed-on.ts';
import type { Standing } from '../policy/vocabulary.ts';
import { type Authorization, toAuthorization } from './authorization.ts';
import { writeCeiling } from './ceiling.ts';
import { standingOf } from './to-granted.ts';

/** What makes two exchanges the same one. */
export interface Handing {
  readonly parent: Pick<Authorization, 'id' | 'userId'>;
  /** The client that exchanges. */
  readonly clientId: string;
  /** The audience, in its registered form. */
  readonly resource: string;
  readonly ceiling: HandedOn;
}

export interface HandedOnStore {
  /**
   * Finds what was made by the same exchange before, whatever became of it, or makes it: however often and by however many nodes at
   * once the same is asked for, it is one authorization.
   */
  findOrMake(actor: Actor, handing: Handing): Promise<Authorization>;
  /** Lists what was made of an authorization, and of that in turn, newest first. */
  under(id: string, limit: number): Promise<Authorization[]>;
  /** Finds the authorizations that some were made of, and those above them; by id. */
  above(authorizations: readonly Authorization[]): Promise<ReadonlyMap<string, Authorization>>;
}

export function createHandedOnStore({
  store,
  clock,
  changes,
}: {
  store: Store;
  clock: Clock;
  changes: ChangeLog;
}): HandedOnStore {
  const { db, transact } = store;

  async function find(from: Kysely<Database>, { parent, clientId, resource, ceiling }: Handing) {
    // authorizations_handed_on
    const row = await from
      .selectFrom('authorizations')
      .selectAll()
      .where('parent_id', '=', parent.id)
      .where('client_id', '=', clientId)
      .where('resource', '=', resource)
      .where('handed_on', '=', writeCeiling(ceiling))
      .executeTakeFirst();
    return row && toAuthorization(row);
  }

  return {
    async findOrMake(actor, handing) {
      const known = await find(db, handing);
      if (known) return known;
      const { parent, clientId, resource, ceiling } = handing;
      return transact(async (trx) => {
        const now = clock.now();
        // authorizations_handed_on: whoever comes second inserts nothing
        const row = await trx
          .insertInto('authorizations')
          .values({
            id: newId('az'),
            kind: 'oauth2',
            user_id: parent.userId,
            client_id: clientId,
            resource,
            status: 'active',
            follows_owner: 0,
            // Nothing of its own: whoever forgets to look above it finds nothing.
            capabilities: '[]',
            roles: '[]',
            projects: '[]',
            mcp_servers: '[]',
            additions: '[]',
            asked: JSON.stringify([...(ceiling.names ?? [])].sort()),
            version: 1,
            created_by: actor.id,
            created_at: now,
            updated_at: now,
            renewed_at: now,
            parent_id: parent.id,
            handed_on: writeCeiling(ceiling),
          })
          .onConflict((conflict) => conflict.doNothing())
          .returningAll()
          .executeTakeFirst();
        if (!row) {
          const other = await find(trx, handing);
          if (!other) throw new Error('an authorization was handed on and is not there');
          return other;
        }
        const after = {
          user: parent.userId,
          client: clientId,
          parent: parent.id,
          resource,
          capabilities: ceiling.names === undefined ? null : [...ceiling.names],
        };
        await changes.record(trx, actor, { subject: 'authorization', id: row.id, action: 'created', after });
        return toAuthorization(row);
      });
    },

    async under(id, limit) {
      const ids = await descendantsOf(db, [id], limit);
      if (ids.length === 0) return [];
      // authorizations by primary key
      const rows = await db
        .selectFrom('authorizations')
        .selectAll()
        .where('id', 'in', ids)
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map(toAuthorization);
    },

    async above(authorizations) {
      const found = new Map<string, Authorization>();
      let wanted = parentsOf(authorizations);
      while (wanted.length > 0) {
        // authorizations by primary key
        const rows = await db.selectFrom('authorizations').selectAll().where('id', 'in', wanted).execute();
        const parents = rows.map(toAuthorization);
        for (const parent of parents) found.set(parent.id, parent);
        wanted = parentsOf(parents).filter((id) => !found.has(id));
      }
      return found;
    },
  };
}

/**
 * Tells whether an authorization still stands, as lists say it: what was handed on stands only while everything above it does. Pure.
 * @param above those that it hangs on, by id; what is not there does not stand
 */
export function standingUnder(
  authorization: Authorization,
  above: ReadonlyMap<string, Authorization>,
  now: number,
): Standing {
  const own = standingOf(authorization, now);
  if (own !== 'active' || authorization.parentId === null) return own;
  const parent = above.get(authorization.parentId);
  return parent === undefined ? 'revoked' : standingUnder(parent, above, now);
}

/** Lists the ids of what was made of some authorizations, and of that in turn. */
export async function descendantsOf(
  from: Kysely<Database> | Transaction<Database>,
  ids: readonly string[],
  limit = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const found: string[] = [];
  let above = ids;
  for (let depth = 0; depth < mostParents && above.length > 0 && found.length < limit; depth++) {
    // authorizations_handed_on
    let query = from.selectFrom('authorizations').select('id').where('parent_id', 'in', above);
    if (Number.isFinite(limit)) query = query.orderBy('id', 'desc').limit(limit);
    above = (await query.execute()).map(({ id }) => id);
    found.push(...above);
  }
  return found;
}

const parentsOf = (authorizations: readonly Authorization[]) => [
  ...new Set(authorizations.flatMap(({ parentId }) => parentId ?? [])),
];
