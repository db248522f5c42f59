/** What the organization allows to be handed over, what waits for an administrator, and when an authorization was last renewed. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('authorizations').addColumn('renewed_at', 'bigint').execute();

  await db.schema
    .createTable('policies')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('content', 'text', (column) => column.notNull())
    .addColumn('version', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .execute();
  // The one row: nothing is bounded until somebody says so.
  await sql`insert into policies (id, content, version, created_at, updated_at) values ('organization', '{}', 1, 0, 0)`.execute(
    db,
  );

  await db.schema
    .createTable('approvals')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('authorization_id', 'text', (column) =>
      column.notNull().references('authorizations.id').onDelete('cascade'),
    )
    .addColumn('capability', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('justification', 'text', (column) => column.notNull())
    .addColumn('requested_by', 'text', (column) => column.notNull())
    .addColumn('requested_at', 'bigint', (column) => column.notNull())
    .addColumn('decided_by', 'text')
    .addColumn('decided_at', 'bigint')
    .addColumn('note', 'text')
    .addColumn('version', 'bigint', (column) => column.notNull())
    .execute();
  // What was asked for this authorization? One row for each capability.
  await db.schema
    .createIndex('approvals_of_authorization')
    .on('approvals')
    .columns(['authorization_id', 'capability'])
    .unique()
    .execute();
  // What waits, newest first?
  await db.schema.createIndex('approvals_by_status').on('approvals').columns(['status', 'id']).execute();
}
