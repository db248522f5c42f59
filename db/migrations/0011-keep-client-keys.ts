/** The last good answer of each address at which a client publishes its keys. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('client_key_sets')
    .addColumn('uri', 'text', (column) => column.primaryKey().notNull())
    .addColumn('jwks', 'text', (column) => column.notNull())
    .addColumn('good_at', 'bigint', (column) => column.notNull())
    .execute();
  // Which have not been used for long?
  await db.schema.createIndex('client_key_sets_by_age').on('client_key_sets').column('good_at').execute();
}
