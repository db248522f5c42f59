/** What a client holds and what is in which state, newest first, however much it is. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // What does this client hold, newest first, and how much of it stands?
  await db.schema
    .createIndex('authorizations_of_client')
    .on('authorizations')
    .columns(['client_id', 'id', 'status'])
    .execute();
  // What was revoked, or is suspended, newest first?
  await db.schema
    .createIndex('authorizations_by_status')
    .on('authorizations')
    .columns(['status', 'id'])
    .execute();
}
