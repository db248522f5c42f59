/** Whether a client may present identity assertions: its grant of RFC 7523, which only an administrator gives. */
import { z } from 'zod';
import type { Actor } from '../../changes/change-log.ts';
import type { ClientMethods, StoredClient } from '../../clients/client-store.ts';
import { assertionGrantType } from '../../oauth/assertion-issuer.ts';
import { grantsOf, type Metadata } from './client-grants.ts';
import { refusal } from './problem.ts';

export const assertionsSchema = z
  .boolean()
  .describe('It may present identity assertions of an issuer that is trusted with it (ID-JAG)');

/** Gives the grant to a client's metadata, or takes it out. Pure. */
export function withAssertions(metadata: Metadata, allowed: boolean): Metadata {
  const others = grantsOf(metadata).filter((grant) => grant !== assertionGrantType);
  return { ...metadata, grant_types: allowed ? [...others, assertionGrantType] : others };
}

/** Gives the grant to a client, or takes it back; undefined leaves it as it is. @throws Refusal `not_for_assertions` */
export async function allowAssertions(
  clients: Pick<ClientMethods, 'find' | 'saveRegistered'>,
  actor: Actor,
  id: string,
  allowed: boolean | undefined,
): Promise<void> {
  const client = await clients.find(id);
  if (!client || allowed === undefined || allowed === presentsAssertions(client.metadata)) return;
  if (!canPresentAssertions(client)) throw refusal('not_for_assertions');
  await clients.saveRegistered(actor, { id, metadata: withAssertions(client.metadata, allowed) });
}

/** Tells whether a client has the grant. Pure. */
export function presentsAssertions(metadata: Metadata): boolean {
  return grantsOf(metadata).includes(assertionGrantType);
}

/** Tells whether a client can be given the grant: one that an administrator registered, that shows who it is, and acts as nobody. Pure. */
export function canPresentAssertions({
  kind,
  metadata,
  serviceAccountId,
}: Pick<StoredClient, 'kind' | 'metadata' | 'serviceAccountId'>): boolean {
  return kind === 'registered' && serviceAccountId === null && metadata.token_endpoint_auth_method !== 'none';
}
