/** Authorizations under another one, made by token exchange (RFC 8693), and which clients may make them. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('authorizations').addColumn('parent_id', 'text').execute();
  await db.schema.alterTable('authorizations').addColumn('handed_on', 'text').execute();
  await db.schema.alterTable('clients').addColumn('token_exchange', 'text').execute();
  // Was the same handed on before? What was made of this authorization?
  await sql`create unique index authorizations_handed_on on authorizations (parent_id, client_id, resource, handed_on) where parent_id is not null`.execute(
    db,
  );
}
