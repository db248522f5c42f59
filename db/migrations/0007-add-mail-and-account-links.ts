/** Mail waiting to be sent, and the links in it that let somebody set a password. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('mail_outbox')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('locale', 'text')
    .addColumn('user_id', 'text')
    .addColumn('sealed', 'text')
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('due_at', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('sent_at', 'bigint')
    .addColumn('failed_at', 'bigint')
    .addColumn('failure', 'text')
    .execute();
  // What is to be sent now?
  await sql`create index mail_outbox_due on mail_outbox (due_at) where sealed is not null`.execute(db);
  // What was sent or given up long ago?
  await sql`create index mail_outbox_done on mail_outbox (created_at) where sealed is null`.execute(db);

  await db.schema
    .createTable('account_links')
    .addColumn('token_hash', 'text', (column) => column.primaryKey().notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
    .addColumn('bound_to', 'text', (column) => column.notNull())
    .addColumn('mail_id', 'text')
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('used_at', 'bigint')
    .execute();
  // Which links does this account have? Who was invited?
  await db.schema
    .createIndex('account_links_by_user')
    .on('account_links')
    .columns(['user_id', 'kind'])
    .execute();
  // What can be cleared away?
  await db.schema.createIndex('account_links_by_end').on('account_links').column('expires_at').execute();
}
