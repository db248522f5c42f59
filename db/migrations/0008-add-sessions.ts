/** Where people are signed in: one row a browser, beside the library's own session, which is what the browser's cookie opens. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('sessions')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('uid', 'text', (column) => column.notNull().unique())
    .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
    .addColumn('user_agent', 'text')
    .addColumn('address', 'text')
    .addColumn('signed_in_at', 'bigint', (column) => column.notNull())
    .addColumn('last_seen_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();
  // Where is this person signed in?
  await db.schema.createIndex('sessions_by_user').on('sessions').columns(['user_id', 'id']).execute();
  // Whose time is over?
  await db.schema.createIndex('sessions_by_expiry').on('sessions').column('expires_at').execute();
  // A session without a row could not be ended from elsewhere: whoever is signed in now signs in once more.
  await db
    .withTables<{ oidc_artifacts: { model: string; account_id: string | null } }>()
    .deleteFrom('oidc_artifacts')
    .where('model', '=', 'Session')
    .where('account_id', 'is not', null)
    .execute();
}
