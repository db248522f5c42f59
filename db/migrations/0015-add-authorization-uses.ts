/** What resource servers say that authorizations were used for. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('authorization_uses')
    .addColumn('authorization_id', 'text', (column) =>
      column.notNull().references('authorizations.id').onDelete('cascade'),
    )
    .addColumn('capability', 'text', (column) => column.notNull())
    .addColumn('place', 'text', (column) => column.notNull())
    .addColumn('last_used_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('authorization_uses_pk', ['authorization_id', 'capability', 'place'])
    .execute();
}
