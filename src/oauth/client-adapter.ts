/**
 * Shows the library our clients, and keeps what it registers. Owns no rows: the client store does.
 * A client secret is known by its keyed hash alone; comparing one is overridden to match.
 */
import Provider, { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import type { ClientStore, StoredClient } from '../clients/client-store.ts';
import type { CredentialLimit } from './credential-limit.ts';
import { withExchange } from './exchange-permission.ts';
import type { MetadataDocuments } from './metadata-documents.ts';
import { registeredItself } from './registration.ts';
import type { RegistrationLimit } from './registration-limit.ts';
import type { UnitsOfWork } from './unit-of-work.ts';

export function createClientAdapter({
  clients,
  units,
  documents,
  registrationLimit,
  credentialLimit,
}: {
  clients: ClientStore;
  units: UnitsOfWork;
  /** Absent while clients cannot be known by a metadata document. */
  documents: MetadataDocuments | undefined;
  registrationLimit: RegistrationLimit;
  credentialLimit: CredentialLimit;
}): Adapter {
  const unused = async () => {
    throw new Error('clients are found, registered and removed, nothing else');
  };
  return {
    async find(id) {
      // Text in PostgreSQL cannot hold this character: no client is named with it.
      if (id.includes('\0')) return undefined;
      credentialLimit.guard(id);
      const known = await clients.find(id);
      const client = documents ? await documents.current(id, known) : withoutDocuments(known);
      if (!client || client.disabled) return undefined;
      return {
        ...withExchange(client),
        client_id: client.id,
        ...(client.secretHash ? { client_secret: client.secretHash } : {}),
      } as AdapterPayload;
    },
    async upsert(id, payload) {
      // A public client's id is what it registered: what is there says the same, but for the port that it listens on this time.
      const known = payload.token_endpoint_auth_method === 'none' ? await clients.find(id) : undefined;
      if (known?.kind === 'dynamic') {
        units.current().onSuccess(async (trx) => void (await clients.within(trx).keepInUse(id)));
        return;
      }
      await registrationLimit.admitNew();
      const { client_id: _id, client_secret: secret, ...metadata } = payload as Record<string, unknown>;
      units.current().onSuccess(async (trx) => {
        await clients
          .within(trx)
          .saveDynamic(
            { id: 'registration' },
            { id, metadata, secret: typeof secret === 'string' ? secret : null, onlyNew: true },
          );
      });
    },
    async destroy(id) {
      units.current().onSuccess(async (trx) => {
        await clients.within(trx).remove({ id: `client:${id}` }, id);
      });
    },
    consume: unused,
    findByUid: unused,
    findByUserCode: unused,
    revokeByGrantId: unused,
  };
}

function withoutDocuments(known: StoredClient | undefined): StoredClient | undefined {
  return known?.kind === 'metadata_document' ? undefined : known;
}

/**
 * Makes the library compare a presented secret with the keyed hash that it knows as the secret. A client that registered itself said
 * how it sends it and is held to that (RFC 7591 section 2); one that an administrator registered may use either way, as its
 * library likes (RFC 6749 section 2.3.1).
 */
export function compareHashedClientSecrets(provider: Provider, clients: ClientStore): void {
  const model = provider.Client.prototype as unknown as {
    compareClientSecret(
      this: { clientId: string; clientSecret?: string; clientAuthMethod: string },
      presented: string,
    ): Promise<boolean>;
  };
  model.compareClientSecret = async function compareClientSecret(presented) {
    const inHeader = Provider.ctx?.headers.authorization !== undefined;
    const method = inHeader ? 'client_secret_basic' : 'client_secret_post';
    if (registeredItself(this.clientId) && this.clientAuthMethod !== method) return false;
    return clients.matchesSecret({ secretHash: this.clientSecret ?? null }, presented);
  };
}

/** Makes the library refuse a grant that is not the client's with the error that says so (RFC 6749 section 5.2). */
export function refuseGrantsOfOthers(provider: Provider): void {
  const model = provider.Client.prototype as unknown as {
    grantTypeAllowed(this: { grantTypes: string[] }, type: string): boolean;
  };
  model.grantTypeAllowed = function grantTypeAllowed(type) {
    if (this.grantTypes.includes(type)) return true;
    const oidc = Provider.ctx?.oidc;
    if (oidc?.route === 'token' && oidc.params?.grant_type === type) {
      throw new errors.UnauthorizedClient('requested grant type is not allowed for this client');
    }
    return false;
  };
}
