import type { Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import { deleteArtifactsFor } from '../authorizations/artifacts.ts';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { Actor } from '../changes/change-log.ts';
import type { ClientStore } from '../clients/client-store.ts';
import { endInSteps, endsInSteps } from './end-in-steps.ts';

interface Dependencies {
  readonly authorizations: AuthorizationStore;
  readonly clients: ClientStore;
}

/**
 * Deletes a client with all that hangs on it: its authorizations are revoked, what the library keeps for it is gone.
 * @returns how many authorizations ended
 */
export async function deleteClient(
  { authorizations, clients }: Dependencies,
  trx: Transaction<Database>,
  actor: Actor,
  clientId: string,
): Promise<number> {
  const ended = await authorizations.revokeAll(actor, { clientId }, trx);
  while (await deleteArtifactsFor(trx, { clientId }));
  await clients.within(trx).remove(actor, clientId);
  return ended;
}

/**
 * Prepares the deletion of a client that much hangs on: it is disabled, which takes everything from it at once, and what hangs on it ends
 * in steps that hold nobody up. Does nothing where one transaction can end it all.
 * @param claim run first in the transaction that disables it: what it throws leaves everything as it was
 * @returns whether it did
 */
export async function emptyClient(
  deps: Dependencies & { store: Store },
  actor: Actor,
  clientId: string,
  claim: (trx: Transaction<Database>) => Promise<void> = async () => {},
): Promise<boolean> {
  if (!(await endsInSteps(deps.store.db, { clientId }))) return false;
  await deps.store.transact(async (trx) => {
    await claim(trx);
    await deps.clients.within(trx).disable(actor, clientId);
  });
  await endInSteps(deps, actor, { clientId });
  return true;
}

/** Deletes a client however much hangs on it. @param claim run first, in the transaction that takes its rights away */
export async function removeClient(
  deps: Dependencies & { store: Store },
  actor: Actor,
  clientId: string,
  claim: (trx: Transaction<Database>) => Promise<void>,
): Promise<void> {
  const { transact, transactApart } = deps.store;
  const emptied = await emptyClient(deps, actor, clientId, claim);
  await (emptied ? transactApart : transact)(async (trx) => {
    if (!emptied) await claim(trx);
    await deleteClient(deps, trx, actor, clientId);
  });
}
