/** Finding clients among many, for whoever administers them. */
import { sql } from 'kysely';
import type { Store } from '../../db/open.ts';
import { type ClientKind, type StoredClient, toClient } from './client-store.ts';

export interface ClientSearch {
  /** Part of the id, or of anything that the client registered, in any case. */
  readonly search?: string;
  readonly kind?: ClientKind;
  readonly serviceAccountId?: string;
  readonly limit: number;
  /** The id of the last client of the page before. */
  readonly after?: string;
}

/** What a list shows of a client; never its secret. */
export type FoundClient = Omit<StoredClient, 'secretHash'> & { readonly hasSecret: boolean };

/** Lists clients by id. */
export async function searchClients(
  { db }: Pick<Store, 'db'>,
  { search, kind, serviceAccountId, limit, after }: ClientSearch,
): Promise<FoundClient[]> {
  // clients by primary key, from `after` on; a search reads each row once
  let query = db.selectFrom('clients').selectAll().orderBy('id').limit(limit);
  if (after !== undefined) query = query.where('id', '>', after);
  if (kind !== undefined) query = query.where('kind', '=', kind);
  if (serviceAccountId !== undefined) query = query.where('service_account_id', '=', serviceAccountId);
  if (search !== undefined && search !== '') {
    const pattern = `%${search.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
    query = query.where(
      sql<boolean>`(lower(id) like ${pattern} escape '\\' or lower(metadata) like ${pattern} escape '\\')`,
    );
  }
  const rows = await query.execute();
  return rows.map((row) => {
    const { secretHash, ...client } = toClient(row);
    return { ...client, hasSecret: secretHash !== null };
  });
}
