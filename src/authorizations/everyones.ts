/** Everybody's authorizations, for whoever administers them and for asking what a change would cut. */
import { type Kysely, sql } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { type Authorization, toAuthorization } from './authorization.ts';

export interface AuthorizationSearch {
  readonly userId?: string;
  readonly clientId?: string;
  /** Kinds of which everybody's are wanted. */
  readonly kinds: readonly Authorization['kind'][];
  /** User id whose authorizations of every kind are wanted beside those. */
  readonly own: string;
  /** Of all of these only this kind. */
  readonly kind?: Authorization['kind'];
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

const everyKind: readonly Authorization['kind'][] = ['oauth2', 'api_key'];
/** A search that finds this many owners, or a client with this many authorizations, reads the newest rows until it has enough. */
const broad = { owners: 200, authorizations: 2_000 };

/** Lists authorizations, newest first. */
export async function searchAuthorizations(
  db: Kysely<Database>,
  query: AuthorizationSearch,
): Promise<OwnedAuthorization[]> {
  const { search = '', limit } = query;
  if (search === '') return await newest(db, query);
  const pattern = `%${search.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
  const [owners, clients] = await Promise.all([ownersLike(db, pattern), clientsLike(db, pattern)]);
  if (owners === 'many' || clients === 'many') {
    return await newest(db, query, (one) =>
      one.where(
        sql<boolean>`(u.email_key like ${pattern} escape '\\' or lower(a.client_id) like ${pattern} escape '\\' or lower(a.name) like ${pattern} escape '\\')`,
      ),
    );
  }
  const found = await Promise.all([
    owners.length === 0 ? [] : newest(db, query, (one) => one.where('a.user_id', 'in', owners)),
    clients.length === 0 ? [] : newest(db, query, (one) => one.where('a.client_id', 'in', clients)),
    // authorizations_keys, which a bound parameter would not match: only keys have a name of their own
    newest(db, query, (one) =>
      one.where(sql<boolean>`a.kind = 'api_key' and lower(a.name) like ${pattern} escape '\\'`),
    ),
  ]);
  const byId = new Map(found.flat().map((one) => [one.id, one]));
  return [...byId.values()].sort((one, other) => (one.id < other.id ? 1 : -1)).slice(0, limit);
}

/** Counts what a client holds and is not revoked. */
export async function countOfClient(db: Kysely<Database>, clientId: string): Promise<number> {
  // authorizations_of_client
  const { held } = await db
    .selectFrom('authorizations')
    .select((count) => count.fn.countAll<number | string>().as('held'))
    .where('client_id', '=', clientId)
    .where('status', '<>', 'revoked')
    .executeTakeFirstOrThrow();
  return Number(held);
}

function joined(db: Kysely<Database>) {
  return db.selectFrom('authorizations as a').innerJoin('users as u', 'u.id', 'a.user_id');
}

async function newest(
  db: Kysely<Database>,
  { userId, clientId, kinds, own, kind, status, limit, after }: AuthorizationSearch,
  narrow: (query: ReturnType<typeof joined>) => ReturnType<typeof joined> = (query) => query,
): Promise<OwnedAuthorization[]> {
  // authorizations by primary key, backwards from `after`; or authorizations_by_user, authorizations_of_client, and of one kind
  // authorizations_keys, authorizations_grants; users by primary key
  let query = narrow(joined(db)).orderBy('a.id', 'desc').limit(limit);
  if (kinds.length === 0) query = query.where('a.user_id', '=', own);
  else if (kinds.length < everyKind.length) {
    // As an expression: nobody collects all of a kind to sort them.
    query = query.where((is) =>
      is.or([is(sql`coalesce(a.kind, '')`, 'in', kinds), is('a.user_id', '=', own)]),
    );
  }
  // A bound parameter would match neither of the two indexes.
  if (kind !== undefined) query = query.where('a.kind', '=', sql.lit(kind));
  if (after !== undefined) query = query.where('a.id', '<', after);
  if (userId !== undefined) query = query.where('a.user_id', '=', userId);
  if (clientId !== undefined) query = query.where('a.client_id', '=', clientId);
  if (status !== undefined) query = query.where('a.status', '=', status);
  const rows = await query.selectAll('a').select('u.email').execute();
  return rows.map((row) => ({ ...toAuthorization(row), email: row.email }));
}

async function ownersLike(db: Kysely<Database>, pattern: string): Promise<string[] | 'many'> {
  // users, each row once
  const rows = await db
    .selectFrom('users')
    .select('id')
    .where(sql<boolean>`email_key like ${pattern} escape '\\'`)
    .limit(broad.owners + 1)
    .execute();
  return rows.length > broad.owners ? 'many' : rows.map(({ id }) => id);
}

async function clientsLike(db: Kysely<Database>, pattern: string): Promise<string[] | 'many'> {
  // clients, each row once; authorizations_of_client
  const rows = await db
    .selectFrom('clients')
    .select('id')
    .where(sql<boolean>`lower(id) like ${pattern} escape '\\'`)
    .limit(broad.owners + 1)
    .execute();
  if (rows.length > broad.owners) return 'many';
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  // One question for all of them: a database that is elsewhere would be asked two hundred times.
  const popular = await db
    .selectFrom('clients as c')
    .select('c.id')
    .where('c.id', 'in', ids)
    .where((is) =>
      is.exists(
        is
          .selectFrom('authorizations as a')
          .select('a.id')
          .whereRef('a.client_id', '=', 'c.id')
          .orderBy('a.id')
          .limit(1)
          .offset(broad.authorizations),
      ),
    )
    .limit(1)
    .executeTakeFirst();
  return popular ? 'many' : ids;
}

/** What a change touches: the users whose rights it moves, and the ids that authorizations mention. */
export interface Touched {
  readonly userIds?: readonly string[];
  /** Id of a role: whoever holds it, anywhere. */
  readonly holdersOf?: string;
  readonly mentioned?: readonly string[];
  /** Every one of these kinds that was renewed at or before a second. */
  readonly renewedBy?: readonly { readonly kind: Authorization['kind']; readonly at: number }[];
  /** Capability names: whatever says one of them, or carries a role that may. */
  readonly carrying?: readonly string[];
}

/**
 * Lists the authorizations that stand and that a change could cut: those of the users, and those that mention an id.
 * @param bounds.paused those too that are paused: whoever resumes one finds it changed
 */
export async function standingAuthorizations(
  db: Kysely<Database>,
  { userIds = [], holdersOf, mentioned = [], renewedBy = [], carrying = [] }: Touched,
  { now, limit, paused = false }: { now: number; limit: number; paused?: boolean },
): Promise<OwnedAuthorization[]> {
  // authorizations_by_user; for an id that is mentioned each row is read once
  const rows = await db
    .selectFrom('authorizations as a')
    .innerJoin('users as u', 'u.id', 'a.user_id')
    .selectAll('a')
    .select('u.email')
    // Most are active: reading all of them in their order is quicker than an index on the status.
    .where('a.status', 'not in', paused ? ['revoked'] : ['suspended', 'revoked'])
    // What was handed on is cut with what it came from.
    .where('a.parent_id', 'is', null)
    .where((is) => is.or([is('a.expires_at', 'is', null), is('a.expires_at', '>', now)]))
    .where((is) =>
      is.or([
        ...(userIds.length > 0 ? [is('a.user_id', 'in', userIds)] : []),
        // role_assignments_by_role
        ...(holdersOf === undefined
          ? []
          : [
              is(
                'a.user_id',
                'in',
                is.selectFrom('role_assignments').select('user_id').where('role_id', '=', holdersOf),
              ),
            ]),
        ...(mentioned.length > 0 ? [is('a.follows_owner', '=', 1)] : []),
        ...renewedBy.map(({ kind, at }) =>
          is.and([
            is('a.kind', '=', kind),
            is((row) => row.fn.coalesce('a.renewed_at', 'a.created_at'), '<=', at),
          ]),
        ),
        ...(carrying.length > 0 ? [is('a.roles', '<>', '[]')] : []),
        ...carrying.flatMap((name) =>
          (['a.capabilities', 'a.additions'] as const).map((list) =>
            is(list, 'like', `%${JSON.stringify(name)}%`),
          ),
        ),
        ...mentioned.flatMap((id) =>
          (['a.projects', 'a.mcp_servers', 'a.roles', 'a.additions'] as const).map((list) =>
            is(list, 'like', `%"${id}"%`),
          ),
        ),
      ]),
    )
    .orderBy('a.id')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ ...toAuthorization(row), email: row.email }));
}
