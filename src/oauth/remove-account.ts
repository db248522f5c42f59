import type { Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import { deleteArtifactsFor } from '../authorizations/artifacts.ts';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { Actor } from '../changes/change-log.ts';
import { searchClients } from '../clients/client-search.ts';
import type { ClientStore } from '../clients/client-store.ts';
import { isLastOwner, takeOwnersTurn } from '../directory/owners.ts';
import { endSessions } from '../directory/session-store.ts';
import { holdUser, type UserStore } from '../directory/user-store.ts';
import type { Outbox } from '../mail/outbox.ts';
import { deleteClient } from './delete-client.ts';

export type RemoveAccountOutcome =
  | { readonly outcome: 'done'; readonly ended: number }
  | { readonly outcome: 'not_found' }
  | { readonly outcome: 'last_owner' };

const clientsAtOnce = 100;

/**
 * Removes an account for good, with all that hangs on it: what it handed out is revoked, clients that act as it are deleted, its
 * sessions end, mail that waits for it is dropped. Its address is free again; its id names nobody ever after.
 * @returns how many authorizations ended
 */
export async function removeAccount(
  deps: {
    store: Store;
    users: UserStore;
    authorizations: AuthorizationStore;
    clients: ClientStore;
    outbox: Pick<Outbox, 'drop'>;
  },
  trx: Transaction<Database>,
  actor: Actor,
  userId: string,
): Promise<RemoveAccountOutcome> {
  await takeOwnersTurn(trx);
  if (await isLastOwner(trx, userId)) return { outcome: 'last_owner' };
  await holdUser(trx, userId);
  let ended = 0;
  for (;;) {
    const acting = await searchClients({ db: trx }, { serviceAccountId: userId, limit: clientsAtOnce });
    for (const { id } of acting) ended += await deleteClient(deps, trx, actor, id);
    if (acting.length < clientsAtOnce) break;
  }
  ended += await deps.authorizations.revokeAll(actor, { userId }, trx);
  await endSessions(trx, userId, { allBut: undefined });
  while (await deleteArtifactsFor(trx, { userId }));
  await deps.outbox.drop(trx, { userId });
  const removed = await deps.users.within(trx).remove(actor, userId);
  return removed.outcome === 'done' ? { outcome: 'done', ended } : removed;
}
