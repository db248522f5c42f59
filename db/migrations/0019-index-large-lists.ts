/** What lists and searches of a large organization go by. An index that is made anew here keeps its name and what it answered before. */
import { type Kysely, SqliteAdapter, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // What did this person hand out, newest first? How much of it stands? Ids sort by time.
  await sql`drop index authorizations_by_user`.execute(db);
  await sql`create index authorizations_by_user on authorizations (user_id, id, kind, status, expires_at)`.execute(
    db,
  );
  // Which keys are there, newest first? Which of them are called so, or are somebody's?
  await sql`drop index authorizations_keys`.execute(db);
  await sql`create index authorizations_keys on authorizations (id, name, user_id, status) where kind = 'api_key'`.execute(
    db,
  );
  // What was handed to tools, newest first?
  await sql`create index authorizations_grants on authorizations (id) where kind = 'oauth2'`.execute(db);
  if (db.getExecutor().adapter instanceof SqliteAdapter) {
    // By an expression that only the census asks for: SQLite took the index for every question about a kind, and sorted what it found.
    await sql`drop index authorizations_census`.execute(db);
    await sql`create index authorizations_census on authorizations ((kind || ''), status, expires_at, last_used_at)`.execute(
      db,
    );
  }

  // What happened to this thing, newest first? Its id is enough to ask.
  await sql`drop index changes_by_subject`.execute(db);
  await sql`create index changes_by_subject on changes (subject_id, subject, seq)`.execute(db);
  // What happened to things of this kind, and what of this sort?
  await sql`create index changes_by_kind on changes (subject, seq)`.execute(db);
  await sql`create index changes_by_action on changes (action, seq, subject)`.execute(db);
  // Which changes were made at that time?
  await sql`create index changes_by_time on changes (at, seq)`.execute(db);
}
