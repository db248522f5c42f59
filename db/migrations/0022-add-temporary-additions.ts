/** What an authorization holds for a while beside what it was given for good: a bounded list in the row that it is read with. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('authorizations')
    .addColumn('additions', 'text', (column) => column.notNull().defaultTo('[]'))
    .execute();
}
