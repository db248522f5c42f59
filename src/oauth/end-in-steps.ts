/**
 * Ends what hangs on a client or an account where it is more than one transaction ends without keeping other writers waiting. Whoever
 * calls takes the rights away first, by disabling or suspending: whatever happens before the rest is done, nothing of it holds.
 */
import type { Kysely } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import { deleteArtifactsFor } from '../authorizations/artifacts.ts';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { Actor } from '../changes/change-log.ts';

type Of = { readonly clientId: string } | { readonly userId: string };

/** Authorizations, or rows of the library, that end in the transaction that ends all of it. */
const mostAtOnce = 500;

/** Tells whether more hangs on it than one transaction should end. */
export async function endsInSteps(db: Kysely<Database>, of: Of): Promise<boolean> {
  // authorizations_of_client or authorizations_by_user; oidc_artifacts_by_client or oidc_artifacts_by_account
  const standing = db
    .selectFrom('authorizations')
    .select('id')
    .where('clientId' in of ? 'client_id' : 'user_id', '=', 'clientId' in of ? of.clientId : of.userId)
    .where('status', '<>', 'revoked');
  const kept = db
    .selectFrom('oidc_artifacts')
    .select('key')
    .where('clientId' in of ? 'client_id' : 'account_id', '=', 'clientId' in of ? of.clientId : of.userId);
  const beyond = [
    await standing.offset(mostAtOnce).limit(1).executeTakeFirst(),
    await kept.offset(mostAtOnce).limit(1).executeTakeFirst(),
  ];
  return beyond.some((row) => row !== undefined);
}

/** Ends it, each step a transaction of its own. Cut off in the middle it is whole as far as it came, and goes on when called again. */
export async function endInSteps(
  { store, authorizations }: { store: Store; authorizations: Pick<AuthorizationStore, 'revokeAll'> },
  actor: Actor,
  of: Of,
): Promise<void> {
  await authorizations.revokeAll(actor, of);
  while (await store.transactApart((trx) => deleteArtifactsFor(trx, of)));
}
