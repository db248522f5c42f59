/** Under which MANDATE_SECRET a long-lived secret is hashed, so that it can be told what still needs an earlier one. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of ['api_key_secrets', 'clients', 'resource_servers']) {
    await db.schema.alterTable(table).addColumn('hashed_under', 'text').execute();
  }
}
