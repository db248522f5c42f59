import type { Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { Actor } from '../changes/change-log.ts';
import type { ClientStore } from '../clients/client-store.ts';

/**
 * Deletes a client with all that hangs on it: its authorizations are revoked, what the library keeps for it is gone.
 * @returns how many authorizations ended
 */
export async function deleteClient(
  { authorizations, clients }: { authorizations: AuthorizationStore; clients: ClientStore },
  trx: Transaction<Database>,
  actor: Actor,
  clientId: string,
): Promise<number> {
  const ended = await authorizations.revokeAll(actor, { clientId }, trx);
  // oidc_artifacts_by_client: requests under way, registration tokens, whatever has no authorization yet
  await trx.deleteFrom('oidc_artifacts').where('client_id', '=', clientId).execute();
  await clients.within(trx).remove(actor, clientId);
  return ended;
}
