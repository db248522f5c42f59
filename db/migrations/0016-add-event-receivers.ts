/** Where resource servers want security event tokens to be pushed, and how far each was told. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('event_receivers')
    .addColumn('resource_server_id', 'text', (column) =>
      column.primaryKey().notNull().references('resource_servers.id').onDelete('cascade'),
    )
    .addColumn('endpoint', 'text', (column) => column.notNull())
    .addColumn('sealed_token', 'text')
    .addColumn('after_seq', 'bigint', (column) => column.notNull())
    .addColumn('due_at', 'bigint', (column) => column.notNull())
    .addColumn('failures', 'integer', (column) => column.notNull())
    .addColumn('last_failure', 'text')
    .addColumn('last_told_at', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
}
