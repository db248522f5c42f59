/**
 * The library ends a grant at a time that is set when it is given. Here the authorization has the end, which may be none, and refresh tokens
 * live on by their use: a grant that something is asked of is prolonged, or a tool would lose what its owner did not take from it.
 */
import type { OidcArtifactsTable } from '../../db/schema.ts';
import { grantSeconds } from './lifetimes.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/**
 * Prolongs a grant that was found with less than half of its time left, should its request succeed.
 * @param now integer seconds
 * @returns when it ends as things stand: the row says so, the payload knows only of the first end
 */
export function keepUsedGrant(
  unit: UnitOfWork,
  { key, expires_at }: Pick<OidcArtifactsTable, 'key' | 'expires_at'>,
  now: number,
): number {
  const until = now + grantSeconds;
  if (expires_at - now < grantSeconds / 2) {
    // Ahead of every use of its tokens, which share a lock on this row: whoever took that first and then wrote would wait for the other.
    unit.onSuccess(async (trx) => {
      await trx
        // Primary key.
        .updateTable('oidc_artifacts')
        .set({ expires_at: until })
        .where('model', '=', 'Grant')
        .where('key', '=', key)
        .where('expires_at', '<', until)
        .execute();
    });
  }
  return expires_at;
}
