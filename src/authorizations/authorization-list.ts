/** Lists authorizations the way people look for them: newest first, a page at a time, found by name. Revoked ones are not shown. */
import { type Kysely, sql } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import { type Authorization, toAuthorization } from './authorization.ts';

/** Whose API keys somebody looks through. */
export type KeyOwners =
  | { readonly kind: 'own'; readonly userId: string }
  | { readonly kind: 'own_and_service_accounts'; readonly userId: string }
  | { readonly kind: 'everyone' };

export interface PageQuery {
  /** Part of a name, in any case. */
  readonly search?: string;
  readonly limit: number;
  /** Id of the last one of the page before. */
  readonly before?: string;
}

/** An API key with whose it is. */
export interface ListedKey {
  readonly authorization: Authorization;
  readonly owner: {
    readonly email: string;
    readonly name: string;
    readonly kind: 'person' | 'service_account';
  };
}

export interface AuthorizationList {
  /** Lists what a user handed to clients, not what these handed on; a search goes by the names that the clients give themselves. */
  grants(userId: string, query: PageQuery): Promise<Authorization[]>;
  /** Lists API keys; a search goes by the key's name and by its owner's name and address. */
  keys(owners: KeyOwners, query: PageQuery): Promise<ListedKey[]>;
}

export function createAuthorizationList({ store: { db } }: { store: Pick<Store, 'db'> }): AuthorizationList {
  return {
    async grants(userId, { search, limit, before }) {
      // authorizations_by_user
      let query = db
        .selectFrom('authorizations')
        .selectAll()
        .where('user_id', '=', userId)
        .where('kind', '=', 'oauth2')
        .where('status', '<>', 'revoked')
        .where('parent_id', 'is', null)
        .orderBy('id', 'desc')
        .limit(limit);
      if (before !== undefined) query = query.where('id', '<', before);
      if (search !== undefined) {
        const clients = await clientsNamed(db, userId, search);
        if (clients.length === 0) return [];
        query = query.where('client_id', 'in', clients);
      }
      return (await query.execute()).map(toAuthorization);
    },
    async keys(owners, { search, limit, before }) {
      // authorizations_by_user for one's own, else authorizations_keys backwards; users by primary key
      let query = db
        .selectFrom('authorizations as a')
        .innerJoin('users as u', 'u.id', 'a.user_id')
        .selectAll('a')
        .select(['u.email as owner_email', 'u.name as owner_name', 'u.kind as owner_kind'])
        // Not bound: authorizations_keys is of this kind alone.
        .where('a.kind', '=', sql.lit('api_key'))
        .where('a.status', '<>', 'revoked')
        .orderBy('a.id', 'desc')
        .limit(limit);
      if (owners.kind === 'own') query = query.where('a.user_id', '=', owners.userId);
      if (owners.kind === 'own_and_service_accounts') {
        query = query.where((is) =>
          is.or([is('a.user_id', '=', owners.userId), is('u.kind', '=', 'service_account')]),
        );
      }
      if (before !== undefined) query = query.where('a.id', '<', before);
      if (search !== undefined) {
        const pattern = `%${folded(search).replace(/[\\%_]/g, '\\$&')}%`;
        const people = await ownersNamed(db, pattern);
        query = query.where((is) =>
          is.or([
            sql<boolean>`lower(a.name) like ${pattern} escape '\\'`,
            ...(people === 'many' ? [likeOwner(pattern)] : []),
            ...(people !== 'many' && people.length > 0 ? [is('a.user_id', 'in', people)] : []),
          ]),
        );
      }
      return (await query.execute()).map((row) => ({
        authorization: toAuthorization(row),
        owner: { email: row.owner_email, name: row.owner_name, kind: row.owner_kind },
      }));
    },
  };
}

/** A search that finds this many owners looks at each key's owner. */
const manyOwners = 200;

const likeOwner = (pattern: string) =>
  sql<boolean>`(u.email_key like ${pattern} escape '\\' or lower(u.name) like ${pattern} escape '\\')`;

/** Who is called so: found first, so that a key's row need not be read to tell whose it is. */
async function ownersNamed(db: Kysely<Database>, pattern: string): Promise<string[] | 'many'> {
  // users, each row once
  const rows = await db
    .selectFrom('users as u')
    .select('u.id')
    .where(likeOwner(pattern))
    .limit(manyOwners + 1)
    .execute();
  return rows.length > manyOwners ? 'many' : rows.map(({ id }) => id);
}

/** Client ids of a user's authorizations whose name, address or id has this part. */
async function clientsNamed(db: Kysely<Database>, userId: string, search: string): Promise<string[]> {
  // authorizations_by_user, clients by primary key: each client once, however much it holds
  const rows = await db
    .selectFrom(
      db
        .selectFrom('authorizations')
        .select('client_id')
        .distinct()
        .where('user_id', '=', userId)
        .where('kind', '=', 'oauth2')
        .where('status', '<>', 'revoked')
        .as('a'),
    )
    .innerJoin('clients as c', 'c.id', 'a.client_id')
    .select(['c.id', 'c.metadata'])
    .execute();
  const sought = folded(search);
  return rows
    .filter(({ id, metadata }) => {
      const { client_name: name, redirect_uris: redirects } = JSON.parse(metadata) as Record<string, unknown>;
      return folded(`${id} ${String(name ?? '')} ${String(redirects ?? '')}`).includes(sought);
    })
    .map(({ id }) => id);
}

const folded = (text: string) => text.normalize('NFKC').trim().toLowerCase();
