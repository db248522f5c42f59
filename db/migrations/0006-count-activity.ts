/** What happened how often, in coarse buckets, and what the overview asks of authorizations. */
import { type Kysely, SqliteAdapter, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('activity')
    .addColumn('span', 'integer', (column) => column.notNull())
    .addColumn('starts_at', 'bigint', (column) => column.notNull())
    .addColumn('topic', 'text', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('party', 'text', (column) => column.notNull())
    .addColumn('n', 'bigint', (column) => column.notNull())
    // What happened in these hours, or on these days? What is older than that?
    .addPrimaryKeyConstraint('activity_key', ['span', 'starts_at', 'topic', 'outcome', 'party'])
    .execute();

  // How many authorizations of each kind are in which state, and when were they last used? PostgreSQL reads the table for that: an
  // index on the last use would cost each of its updates the place in the page, and SQLite's reads are on the thread that answers.
  if (db.getExecutor().adapter instanceof SqliteAdapter) {
    await sql`create index authorizations_census on authorizations (kind, status, expires_at, last_used_at)`.execute(
      db,
    );
  }
}
