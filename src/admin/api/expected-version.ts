import type { Transaction } from 'kysely';
import type { Database } from '../../../db/schema.ts';
import { refusal } from './problem.ts';

type Versioned =
  | 'users'
  | 'roles'
  | 'projects'
  | 'mcp_servers'
  | 'resource_servers'
  | 'clients'
  | 'authorizations'
  | 'policies';

/**
 * Holds a row until the transaction ends, if it is still what the caller saw: an update that changes nothing, so that it works on
 * either engine and whoever comes second waits and then finds another version (RFC 9110 section 13.1.1).
 * @throws Refusal `version_changed`, or `not_found` when the row is gone
 */
export async function claimVersion(
  trx: Transaction<Database>,
  table: Versioned,
  id: string,
  version: number,
): Promise<void> {
  // each by its primary key
  const { numUpdatedRows } = await trx
    .updateTable(table)
    .set((row) => ({ version: row.ref('version') }))
    .where('id', '=', id)
    .where('version', '=', version)
    .executeTakeFirst();
  if (numUpdatedRows > 0n) return;
  const known = await trx.selectFrom(table).select('id').where('id', '=', id).executeTakeFirst();
  throw refusal(known ? 'version_changed' : 'not_found');
}

/**
 * Holds a row likewise, whatever its version: what is read of it afterwards and written back undoes nobody's change.
 * @throws Refusal `not_found` when the row is gone
 */
export async function holdRow(trx: Transaction<Database>, table: Versioned, id: string): Promise<void> {
  // each by its primary key
  const { numUpdatedRows } = await trx
    .updateTable(table)
    .set((row) => ({ version: row.ref('version') }))
    .where('id', '=', id)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw refusal('not_found');
}
