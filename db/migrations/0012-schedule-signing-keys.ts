/** When a signing key takes over; from that the rest of its life follows, so that its state is a matter of the clock. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('signing_keys')
    .addColumn('signs_from', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute();
  await sql`update signing_keys set signs_from = created_at`.execute(db);
  await db.schema.alterTable('signing_keys').dropColumn('state').execute();
}
