/** The client_credentials clients of a service account (RFC 6749 section 4.4): several, each with a secret or keys of its own. */
import { z } from 'zod';
import { searchClients } from '../../clients/client-search.ts';
import { removeClient } from '../../oauth/delete-client.ts';
import {
  clientDocument,
  clientSchema,
  clientWithSecretSchema,
  readClient,
  replaceSecret,
} from './client-operations.ts';
import { makeProof, type Proof, privateKeySchema, proofMembers } from './client-proof.ts';
import { claimVersion } from './expected-version.ts';
import { guardAccount } from './guards.ts';
import { type AdminDeps, operation } from './operation.ts';
import { guardCarrier } from './over-token.ts';
import { refusal } from './problem.ts';
import { nameSchema, slugSchema } from './schemas.ts';

const tag = 'Service accounts';
const update = ['service-accounts.update'] as const;
const path = '/service-accounts/{service_account_id}/clients';
const mostClients = 100;
/** What such a client has beside its proof. */
const machineMetadata = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };

const clientWithProofSchema = clientWithSecretSchema.extend({ private_key: privateKeySchema });

export const serviceAccountClientOperations = {
  list: operation({
    id: 'list_service_account_clients',
    tag,
    summary: 'List the clients that act as a service account',
    method: 'get',
    path,
    anyOf: ['service-accounts.update', 'service-accounts.create'],
    answer: z.object({ items: z.array(clientSchema) }),
    async handle(deps, { params }) {
      const id = await requireServiceAccount(deps, params.service_account_id);
      const rows = await searchClients(deps.store, { serviceAccountId: id, limit: mostClients });
      return { items: rows.map(clientDocument) };
    },
  }),

  create: operation({
    id: 'create_service_account_client',
    tag,
    summary:
      'Create a client that acts as a service account, with a secret or with keys; what is secret is shown this once',
    method: 'post',
    path,
    anyOf: update,
    status: 201,
    body: z.strictObject({
      id: slugSchema.describe('The client_id'),
      client_name: nameSchema,
      ...proofMembers,
    }),
    answer: clientWithProofSchema,
    async handle(deps, { caller, params, body }) {
      const accountId = await requireServiceAccount(deps, params.service_account_id);
      const proof = await makeProof(body);
      await deps.store.transact(async (trx) => {
        // Whoever holds the secret acts as the account.
        await guardAccount(deps, caller, accountId, { takesOver: true, db: trx });
        const clients = deps.clients.within(trx);
        if (await clients.find(body.id)) throw refusal('id_taken', { id: body.id });
        await clients.saveRegistered(caller.actor, {
          id: body.id,
          metadata: { client_name: body.client_name, ...machineMetadata, ...proof.metadata },
          secret: proof.secret,
          serviceAccountId: accountId,
        });
        await deps.authorizations.insert(trx, caller.actor, {
          kind: 'oauth2',
          userId: accountId,
          clientId: body.id,
          followsOwner: true,
          capabilities: [],
          projects: [],
          mcpServers: [],
          asked: [],
          expiresAt: null,
        });
      });
      return shownOnce(await readClient(deps, body.id), proof);
    },
  }),

  setKeys: operation({
    id: 'set_service_account_client_keys',
    tag,
    summary:
      'Replace the keys of one of its clients, or its secret by keys; the old ones end at once, a private key made here is shown this once',
    method: 'post',
    path: `${path}/{client_id}/keys`,
    anyOf: update,
    status: 201,
    body: z.strictObject(proofMembers),
    answer: clientWithProofSchema,
    async handle(deps, { caller, params, body }) {
      const { id, metadata } = await requireClient(deps, params);
      await guardAccount(deps, caller, params.service_account_id ?? '', { takesOver: true });
      const named = body.jwks !== undefined || body.jwks_uri !== undefined;
      const proof = await makeProof(named ? body : { generate_key: true });
      await deps.clients.saveRegistered(caller.actor, {
        id,
        metadata: { client_name: metadata.client_name, ...machineMetadata, ...proof.metadata },
        secret: proof.secret,
      });
      return shownOnce(await readClient(deps, id), proof);
    },
  }),

  rotateSecret: operation({
    id: 'rotate_service_account_client_secret',
    tag,
    summary:
      'Replace the secret of one of its clients; the old one ends at once, the new one is shown this once',
    method: 'post',
    path: `${path}/{client_id}/secret`,
    anyOf: update,
    status: 201,
    answer: clientWithSecretSchema,
    async handle(deps, { caller, params }) {
      const client = await requireClient(deps, params);
      guardCarrier(caller, client.id);
      await guardAccount(deps, caller, params.service_account_id ?? '', { takesOver: true });
      return await replaceSecret(deps, caller.actor, client);
    },
  }),

  delete: operation({
    id: 'delete_service_account_client',
    tag,
    summary: 'Delete one of its clients with its authorization',
    method: 'delete',
    path: `${path}/{client_id}`,
    anyOf: update,
    status: 204,
    versioned: true,
    async handle(deps, { caller, params, version }) {
      const { id } = await requireClient(deps, params);
      guardCarrier(caller, id);
      await removeClient(deps, caller.actor, id, (trx) => claimVersion(trx, 'clients', id, version));
    },
  }),
};

function shownOnce(client: Awaited<ReturnType<typeof readClient>>, { secret, privateKey }: Proof) {
  return { ...client, client_secret: secret, private_key: privateKey && { ...privateKey } };
}

async function requireServiceAccount({ users }: AdminDeps, id: string | undefined): Promise<string> {
  const user = await users.findById(id ?? '');
  if (user?.kind !== 'service_account') throw refusal('not_found');
  return user.id;
}

async function requireClient(deps: AdminDeps, params: Readonly<Record<string, string>>) {
  const accountId = await requireServiceAccount(deps, params.service_account_id);
  const client = await deps.clients.find(params.client_id ?? '');
  if (client?.serviceAccountId !== accountId) throw refusal('not_found');
  return client;
}
