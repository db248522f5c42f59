/** Everybody's authorizations, for whoever administers them and for asking what a change would cut. */
import { type Kysely, sql } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { type Authorization, toAuthorization } from './authorization.ts';

export interface AuthorizationSearch {
  readonly userId?: string;
  readonly clientId?: string;
  readonly kinds: readonly Authorization['kind'][];
  readonly status?: Authorization['status'];
  /** Part of the owner's address, of the client's id or of the name, in any case. */
  readonly search?: string;
  readonly limit: number;
  /** The id of the last authorization of the page before. */
  readonly after?: string;
}

/** An authorization with the address of whoever handed it out. */
export interface OwnedAuthorization extends Authorization {
  readonly email: string;
}

/** Lists authorizations, newest first. */
export async function searchAuthorizations(
  db: Kysely<Database>,
  { userId, clientId, kinds, status, search, limit, after }: AuthorizationSearch,
): Promise<OwnedAuthorization[]> {
  // authorizations by primary key, backwards from `after`; or authorizations_by_user, authorizations_by_client; users by primary key
  let query = db
    .selectFrom('authorizations as a')
    .innerJoin('users as u', 'u.id', 'a.user_id')
    .selectAll('a')
    .select('u.email')
    .where('a.kind', 'in', kinds)
    .orderBy('a.id', 'desc')
    .limit(limit);
  if (after !== undefined) query = query.where('a.id', '<', after);
  if (userId !== undefined) query = query.where('a.user_id', '=', userId);
  if (clientId !== undefined) query = query.where('a.client_id', '=', clientId);
  if (status !== undefined) query = query.where('a.status', '=', status);
  if (search !== undefined && search !== '') {
    const pattern = `%${search.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
    query = query.where(
      sql<boolean>`(u.email_key like ${pattern} escape '\\' or lower(a.client_id) like ${pattern} escape '\\' or lower(a.name) like ${pattern} escape '\\')`,
    );
  }
  return (await query.execute()).map((row) => ({ ...toAuthorization(row), email: row.email }));
}

/** What a change touches: the users whose rights it moves, and the ids that authorizations mention. */
export interface Touched {
  readonly userIds?: readonly string[];
  readonly mentioned?: readonly string[];
}

/** Lists the authorizations that stand and that a change could cut: those of the users, and those that mention an id. */
export async function standingAuthorizations(
  db: Kysely<Database>,
  { userIds = [], mentioned = [] }: Touched,
  { now, limit }: { now: number; limit: number },
): Promise<OwnedAuthorization[]> {
  // authorizations_by_user; for an id that is mentioned each row is read once
  const rows = await db
    .selectFrom('authorizations as a')
    .innerJoin('users as u', 'u.id', 'a.user_id')
    .selectAll('a')
    .select('u.email')
    .where('a.status', '=', 'active')
    .where((is) => is.or([is('a.expires_at', 'is', null), is('a.expires_at', '>', now)]))
    .where((is) =>
      is.or([
        ...(userIds.length > 0 ? [is('a.user_id', 'in', userIds)] : []),
        ...(mentioned.length > 0 ? [is('a.follows_owner', '=', 1)] : []),
        ...mentioned.flatMap((id) =>
          (['a.projects', 'a.mcp_servers', 'a.roles'] as const).map((list) => is(list, 'like', `%"${id}"%`)),
        ),
      ]),
    )
    .orderBy('a.id')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ ...toAuthorization(row), email: row.email }));
}
