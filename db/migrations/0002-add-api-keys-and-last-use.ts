/** Secrets of API keys, and when and by whom an authorization was last asked about. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('authorizations').addColumn('last_used_at', 'bigint').execute();
  await db.schema.alterTable('authorizations').addColumn('last_used_by', 'text').execute();
  await db.schema.alterTable('authorizations').addColumn('last_used_from', 'text').execute();
  // Which keys are there, newest first?
  await sql`create index authorizations_keys on authorizations (id) where kind = 'api_key'`.execute(db);
  // Which keys have come to their end?
  await sql`create index authorizations_keys_by_end on authorizations (expires_at) where kind = 'api_key' and expires_at is not null`.execute(
    db,
  );

  await db.schema
    .createTable('api_key_secrets')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('authorization_id', 'text', (column) =>
      column.notNull().references('authorizations.id').onDelete('cascade'),
    )
    .addColumn('secret_hash', 'text', (column) => column.notNull().unique())
    .addColumn('last_four', 'text', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .addColumn('end_reason', 'text')
    .execute();
  // Which secrets does this key have?
  await db.schema
    .createIndex('api_key_secrets_by_authorization')
    .on('api_key_secrets')
    .columns(['authorization_id', 'created_at'])
    .execute();
  // Whose time is over, but not yet on record?
  await sql`create index api_key_secrets_unended on api_key_secrets (expires_at) where revoked_at is null`.execute(
    db,
  );
}
