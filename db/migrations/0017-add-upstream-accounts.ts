/** Accounts at other OpenID providers that open ours, sign-ins there that are under way, and how each session was opened. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('upstream_accounts')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
    .addColumn('issuer', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('label', 'text')
    .addColumn('linked_at', 'bigint', (column) => column.notNull())
    .addColumn('last_used_at', 'bigint')
    .execute();
  // Whose is it?
  await db.schema
    .createIndex('upstream_accounts_once')
    .on('upstream_accounts')
    .columns(['issuer', 'subject'])
    .unique()
    .execute();
  // Which does this person have?
  await db.schema
    .createIndex('upstream_accounts_by_user')
    .on('upstream_accounts')
    .columns(['user_id', 'id'])
    .execute();

  await db.schema
    .createTable('upstream_requests')
    .addColumn('key', 'text', (column) => column.primaryKey().notNull())
    .addColumn('browser', 'text', (column) => column.notNull())
    .addColumn('sealed', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();
  // Which were never answered?
  await db.schema
    .createIndex('upstream_requests_by_expiry')
    .on('upstream_requests')
    .column('expires_at')
    .execute();

  await db.schema.alterTable('sessions').addColumn('methods', 'text').execute();
}
