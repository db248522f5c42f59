/** What the library keeps of an authorization: its end, in batches that hold nobody up. */
import { sql, type Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';

/** Rows of the library that one step deletes beside grants; what is left of a larger family is dead already and goes when it expires. */
const artifactsAtOnce = 1_000;

/**
 * Deletes what the library keeps of authorizations: their grants first, without which no code or refresh token can be used.
 * @param sparing models that stay until they expire: dead already, and of a kind that there are very many of
 */
export async function deleteArtifacts(
  trx: Transaction<Database>,
  grantIds: readonly string[],
  { sparing = [] }: { sparing?: readonly string[] } = {},
): Promise<void> {
  // As an expression: SQLite would go through all grants that there are.
  const model = sql<string>`coalesce(model, '')`;
  // oidc_artifacts_by_grant, all three times
  await trx
    .deleteFrom('oidc_artifacts')
    .where('grant_id', 'in', grantIds)
    .where(model, '=', 'Grant')
    .execute();
  let batch = trx
    .selectFrom('oidc_artifacts')
    .select('key')
    .where('grant_id', 'in', grantIds)
    .limit(artifactsAtOnce);
  if (sparing.length > 0) batch = batch.where(model, 'not in', sparing);
  await trx
    .deleteFrom('oidc_artifacts')
    .where('grant_id', 'in', grantIds)
    .where('key', 'in', batch)
    .execute();
}

/**
 * Deletes what the library keeps for a client or an account, in one step: requests under way, registration tokens, whatever has no
 * authorization. Access tokens stay until they expire, a short while: they count for what their authorization does, which is nothing.
 * @returns whether there may be more
 */
export async function deleteArtifactsFor(
  trx: Transaction<Database>,
  of: { readonly clientId: string } | { readonly userId: string },
): Promise<boolean> {
  const { numDeletedRows } = await trx
    .deleteFrom('oidc_artifacts')
    .where(({ eb, refTuple, selectFrom }) => {
      // oidc_artifacts_by_client, or oidc_artifacts_by_account
      const some = selectFrom('oidc_artifacts')
        .select(['model', 'key'])
        .where(sql<string>`coalesce(model, '')`, '<>', 'AccessToken')
        .where('clientId' in of ? 'client_id' : 'account_id', '=', 'clientId' in of ? of.clientId : of.userId)
        .limit(artifactsAtOnce);
      return eb(refTuple('model', 'key'), 'in', some.$asTuple('model', 'key'));
    })
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows) === artifactsAtOnce;
}
