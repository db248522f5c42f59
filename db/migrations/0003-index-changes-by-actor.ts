/** What the audit trail is asked. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // What did this person change?
  await db.schema.createIndex('changes_by_actor').on('changes').columns(['actor', 'seq']).execute();
  // Which clients act as this service account?
  await db.schema
    .createIndex('clients_by_service_account')
    .on('clients')
    .column('service_account_id')
    .execute();
}
