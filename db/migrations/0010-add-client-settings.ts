/** What an administrator sets for one client, and when its metadata document was last good. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('clients').addColumn('refresh_grace_seconds', 'integer').execute();
  await db.schema.alterTable('clients').addColumn('document_good_at', 'bigint').execute();
}
