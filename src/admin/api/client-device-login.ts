/** Whether a client may log people in by device code (RFC 8628): one of its grant types, in its metadata as an organization file says it. */
import { z } from 'zod';
import type { Actor } from '../../changes/change-log.ts';
import type { ClientMethods, StoredClient } from '../../clients/client-store.ts';
import { grantsOf, type Metadata } from './client-grants.ts';
import { refusal } from './problem.ts';

export const deviceLoginSchema = z
  .boolean()
  .describe('Device login: for command lines and televisions, which show a code (RFC 8628)');

const deviceGrantType = 'urn:ietf:params:oauth:grant-type:device_code';

/** Gives the grant to a client's metadata, or takes it out; without the code grant refreshing comes and goes with it. Pure. */
export function withDeviceLogin(metadata: Metadata, allowed: boolean): Metadata {
  const others = grantsOf(metadata).filter((grant) => grant !== deviceGrantType);
  const isLoginAlone = !others.includes('authorization_code');
  const kept = isLoginAlone ? others.filter((grant) => grant !== 'refresh_token') : others;
  if (!allowed) return { ...metadata, grant_types: kept };
  return {
    ...metadata,
    grant_types: [...kept, ...(isLoginAlone ? ['refresh_token'] : []), deviceGrantType],
  };
}

/**
 * Gives the grant to a client, or takes it back; undefined leaves it as it is.
 * @throws Refusal `not_for_device_login`; `redirect_missing` when the client would have no other way to a token
 */
export async function allowDeviceLogin(
  clients: Pick<ClientMethods, 'find' | 'saveRegistered'>,
  actor: Actor,
  id: string,
  allowed: boolean | undefined,
): Promise<void> {
  const client = await clients.find(id);
  if (!client || allowed === undefined || allowed === hasDeviceLogin(client.metadata)) return;
  if (!canHaveDeviceLogin(client)) throw refusal('not_for_device_login');
  const metadata = withDeviceLogin(client.metadata, allowed);
  if (!allowed && !hasWayLeft({ ...client, metadata })) throw refusal('redirect_missing');
  await clients.saveRegistered(actor, { id, metadata });
}

/** Tells whether a client has the grant. Pure. */
export function hasDeviceLogin(metadata: Metadata): boolean {
  return grantsOf(metadata).includes(deviceGrantType);
}

/** Tells whether an administrator may decide it: for a client that was registered here, and acts for whoever logs in. Pure. */
export function canHaveDeviceLogin({
  kind,
  serviceAccountId,
}: Pick<StoredClient, 'kind' | 'serviceAccountId'>): boolean {
  return kind === 'registered' && serviceAccountId === null;
}

function hasWayLeft({ metadata, tokenExchange }: Pick<StoredClient, 'metadata' | 'tokenExchange'>): boolean {
  const { redirect_uris: redirects } = metadata;
  return (
    grantsOf(metadata).length > 0 ||
    tokenExchange !== null ||
    (Array.isArray(redirects) && redirects.length > 0)
  );
}
