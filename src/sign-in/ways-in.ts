/** By what somebody can sign in, so that they do not take the last of it from themselves. */
import type { Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';

/** One way that is about to go. */
interface LeavingWay {
  readonly table: 'passkeys' | 'upstream_accounts';
  readonly id: string;
}

/**
 * Tells whether an account is left with a way to sign in once one of its own is gone. Of two that go at the same time, the second one sees
 * that the first is gone: whoever asks holds the counter of changes until its transaction ends.
 */
export async function isLeftWithWayIn(
  trx: Transaction<Database>,
  userId: string,
  leaving: LeavingWay,
): Promise<boolean> {
  await trx
    .updateTable('change_counter')
    .set(({ ref }) => ({ n: ref('n') }))
    .execute();
  // users by primary key
  const user = await trx
    .selectFrom('users')
    .select('password_hash')
    .where('id', '=', userId)
    .executeTakeFirst();
  if (user?.password_hash != null) return true;
  for (const table of ['passkeys', 'upstream_accounts'] as const) {
    // passkeys_by_user, upstream_accounts_by_user
    const rows = await trx.selectFrom(table).select('id').where('user_id', '=', userId).limit(2).execute();
    if (rows.some(({ id }) => table !== leaving.table || id !== leaving.id)) return true;
  }
  return false;
}
