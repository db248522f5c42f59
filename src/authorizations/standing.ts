/** What an account handed out and what of it stands: neither revoked nor past its end. However much that is, a part of it is read. */
import { type Kysely, sql } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { type Authorization, toAuthorization } from './authorization.ts';

export interface StandingQuery {
  readonly kind: Authorization['kind'];
  /** Integer seconds. */
  readonly now: number;
  readonly limit: number;
  /** Only these. */
  readonly ids?: readonly string[];
  /** Only what is the own authorization of one of these clients, which act as the account; or all but that. */
  readonly actingAs?: { readonly clientIds: readonly string[]; readonly listed: 'only' | 'not' };
}

/** Lists what stands, newest first. */
export async function listStanding(
  db: Kysely<Database>,
  userId: string,
  { kind, now, limit, ids, actingAs }: StandingQuery,
): Promise<Authorization[]> {
  // authorizations_by_user, backwards; its kind, status and end are told without a look at the row. What was handed on goes with it.
  let query = standing(db, userId, now)
    .selectAll()
    .where('kind', '=', kind)
    .where('parent_id', 'is', null)
    .orderBy('id', 'desc')
    .limit(limit);
  if (ids !== undefined) query = query.where('id', 'in', ids);
  if (actingAs !== undefined && actingAs.clientIds.length > 0) {
    const { clientIds, listed } = actingAs;
    query = query.where(({ eb, and, not }) => {
      const own = and([eb('follows_owner', '=', 1), eb(sql`coalesce(client_id, '')`, 'in', clientIds)]);
      return listed === 'only' ? own : not(own);
    });
  }
  return (await query.execute()).map(toAuthorization);
}

/** Counts what stands, of every kind. */
export async function countStanding(db: Kysely<Database>, userId: string, now: number): Promise<number> {
  // authorizations_by_user alone
  const { n } = await standing(db, userId, now)
    .select((count) => count.fn.countAll<number | string>().as('n'))
    .executeTakeFirstOrThrow();
  return Number(n);
}

function standing(db: Kysely<Database>, userId: string, now: number) {
  return db
    .selectFrom('authorizations')
    .where('user_id', '=', userId)
    .where('status', '<>', 'revoked')
    .where((is) => is.or([is('expires_at', 'is', null), is('expires_at', '>', now)]));
}
