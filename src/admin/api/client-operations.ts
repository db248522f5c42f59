/** OAuth clients, however they became known: verified, disabled, deleted; registered ones are made here too. */
import { z } from 'zod';
import { type FoundClient, searchClients } from '../../clients/client-search.ts';
import type { StoredClient } from '../../clients/client-store.ts';
import { removeClient } from '../../oauth/delete-client.ts';
import { assertionsSchema } from './client-assertions.ts';
import { deviceLoginSchema, hasDeviceLogin } from './client-device-login.ts';
import { metadataOf } from './client-metadata.ts';
import { claimVersion, holdRow } from './expected-version.ts';
import { newSecret } from './new-secret.ts';
import { type AdminDeps, operation } from './operation.ts';
import { guardCarrier } from './over-token.ts';
import { refusal } from './problem.ts';
import {
  instantSchema,
  listOf,
  nameSchema,
  pageOf,
  pageQuery,
  searchQuery,
  slugSchema,
  versionSchema,
} from './schemas.ts';

const tag = 'Clients';
const manage = ['clients.manage'] as const;

export const clientSchema = z
  .object({
    id: z.string().describe('The client_id'),
    kind: z.enum(['registered', 'dynamic', 'metadata_document']),
    metadata: z.record(z.string(), z.unknown()).describe('Client metadata (RFC 7591 section 2)'),
    has_secret: z.boolean(),
    verified: z.boolean().describe('An administrator vouches for its name'),
    disabled: z.boolean(),
    device_login: deviceLoginSchema,
    refresh_grace_seconds: z
      .int()
      .nullable()
      .describe('For how long a rotated refresh token may come back; null is the usual minute'),
    exchange_own: z.boolean().describe('It may exchange tokens of its own (RFC 8693)'),
    exchange_from: z
      .array(z.string())
      .describe('Audiences of resource servers that it acts for: it may exchange tokens sent to them'),
    exchange_to: z
      .array(z.string())
      .describe('Audiences for which it may get tokens by exchange; none: it exchanges nothing'),
    document_good_at: instantSchema
      .nullable()
      .describe('When its metadata document was last had and could be used'),
    service_account_id: z.string().nullable().describe('Whom client_credentials acts as'),
    version: versionSchema,
    created_at: instantSchema,
    updated_at: instantSchema,
  })
  .meta({ id: 'Client' });

export const clientWithSecretSchema = clientSchema
  .extend({ client_secret: z.string().nullable().describe('Shown this once; null for a public client') })
  .meta({ id: 'ClientWithSecret' });

export type ClientDocument = z.output<typeof clientSchema>;

/** Defines an operation that switches one thing of a client; idempotent. */
const clientSwitch = (action: 'verify' | 'unverify' | 'enable' | 'disable', summary: string) =>
  operation({
    id: `${action}_client`,
    tag,
    summary,
    method: 'post',
    path: `/clients/{client_id}/${action}`,
    anyOf: manage,
    answer: clientSchema,
    async handle(deps, { caller, params }) {
      guardCarrier(caller, params.client_id ?? '');
      const done = await deps.clients[action](caller.actor, params.client_id ?? '');
      if (done.outcome === 'not_found') throw refusal('not_found');
      return readClient(deps, params.client_id);
    },
  });

export const clientOperations = {
  list: operation({
    id: 'list_clients',
    tag,
    summary: 'List clients by id',
    method: 'get',
    path: '/clients',
    anyOf: manage,
    query: z.strictObject({
      ...pageQuery,
      search: searchQuery.describe('Part of the id, or of anything that it registered'),
      kind: z.enum(['registered', 'dynamic', 'metadata_document']).optional(),
    }),
    answer: listOf(clientSchema),
    async handle({ store }, { query: { limit, after, search, kind } }) {
      const rows = await searchClients(store, {
        limit: limit + 1,
        ...(after === undefined ? {} : { after }),
        ...(search === undefined ? {} : { search }),
        ...(kind === undefined ? {} : { kind }),
      });
      return pageOf(rows, limit, ({ id }) => id, clientDocument);
    },
  }),

  create: operation({
    id: 'create_client',
    tag,
    summary: 'Register a client; its secret is shown this once',
    method: 'post',
    path: '/clients',
    anyOf: manage,
    status: 201,
    body: z.strictObject({
      id: slugSchema.describe('The client_id'),
      client_name: nameSchema,
      redirect_uris: z
        .array(z.string().max(2_000))
        .max(20)
        .default([])
        .describe('At least one, unless it has device login or presents assertions'),
      post_logout_redirect_uris: z
        .array(z.string().max(2_000))
        .max(20)
        .optional()
        .describe('Where people may be led after they signed out'),
      confidential: z.boolean().default(true).describe('It can keep a secret; otherwise it is public'),
      device_login: deviceLoginSchema.default(false),
      assertions: assertionsSchema.default(false),
    }),
    answer: clientWithSecretSchema,
    async handle(deps, { caller, body }) {
      const metadata = metadataOf(body);
      const secret = body.confidential ? newSecret() : null;
      await deps.store.transact(async (trx) => {
        const clients = deps.clients.within(trx);
        if (await clients.find(body.id)) throw refusal('id_taken', { id: body.id });
        await clients.saveRegistered(caller.actor, { id: body.id, metadata, secret });
      });
      return { ...(await readClient(deps, body.id)), client_secret: secret };
    },
  }),

  get: operation({
    id: 'get_client',
    tag,
    summary: 'Get a client',
    method: 'get',
    path: '/clients/{client_id}',
    anyOf: manage,
    answer: clientSchema,
    handle: (deps, { params }) => readClient(deps, params.client_id),
  }),

  verify: clientSwitch('verify', 'Vouch for the name that a client shows'),
  unverify: clientSwitch('unverify', 'Stop vouching for the name that a client shows'),
  enable: clientSwitch('enable', 'Let a disabled client work again'),
  disable: clientSwitch('disable', 'Take a client out of every answer until it is enabled'),

  rotateSecret: operation({
    id: 'rotate_client_secret',
    tag,
    summary:
      'Replace the secret of a registered client; the old one ends at once, the new one is shown this once',
    method: 'post',
    path: '/clients/{client_id}/secret',
    anyOf: manage,
    status: 201,
    answer: clientWithSecretSchema,
    async handle(deps, { caller, params }) {
      const client = await deps.clients.find(params.client_id ?? '');
      if (!client) throw refusal('not_found');
      // A service account's client is for whoever looks after the account.
      if (client.serviceAccountId !== null) throw refusal('not_found');
      guardCarrier(caller, client.id);
      return await replaceSecret(deps, caller.actor, client);
    },
  }),

  delete: operation({
    id: 'delete_client',
    tag,
    summary:
      'Delete a client and revoke every authorization that it holds. Where these are very many it is disabled first and emptied in steps',
    method: 'delete',
    path: '/clients/{client_id}',
    anyOf: manage,
    status: 204,
    versioned: true,
    async handle(deps, { caller, params, version }) {
      const id = params.client_id ?? '';
      guardCarrier(caller, id);
      await removeClient(deps, caller.actor, id, (trx) => claimVersion(trx, 'clients', id, version));
    },
  }),
};

/** Reads a client. @throws Refusal `not_found` */
export async function readClient({ clients }: AdminDeps, id: string | undefined): Promise<ClientDocument> {
  const client = await clients.find(id ?? '');
  if (!client) throw refusal('not_found');
  return clientDocument({ ...client, hasSecret: client.secretHash !== null });
}

/** Gives a registered client with a secret a new one. @throws Refusal `no_secret` */
export async function replaceSecret(
  deps: AdminDeps,
  actor: Parameters<AdminDeps['clients']['saveRegistered']>[0],
  client: StoredClient,
): Promise<z.output<typeof clientWithSecretSchema>> {
  if (client.kind !== 'registered' || client.secretHash === null) throw refusal('no_secret');
  const secret = newSecret();
  await deps.store.transact(async (trx) => {
    await holdRow(trx, 'clients', client.id);
    const clients = deps.clients.within(trx);
    // As it is now: what was taken from it a moment ago does not come back.
    const held = await clients.find(client.id);
    if (held?.secretHash == null) throw refusal('no_secret');
    await clients.saveRegistered(actor, { id: held.id, metadata: held.metadata, secret });
  });
  return { ...(await readClient(deps, client.id)), client_secret: secret };
}

/** Writes a client out. Pure. */
export function clientDocument(client: FoundClient): ClientDocument {
  return {
    id: client.id,
    kind: client.kind,
    metadata: { ...client.metadata },
    has_secret: client.hasSecret,
    verified: client.verified,
    disabled: client.disabled,
    device_login: hasDeviceLogin(client.metadata),
    refresh_grace_seconds: client.refreshGraceSeconds,
    exchange_own: client.tokenExchange?.own ?? false,
    exchange_from: [...(client.tokenExchange?.from ?? [])],
    exchange_to: [...(client.tokenExchange?.to ?? [])],
    document_good_at: client.documentGoodAt,
    service_account_id: client.serviceAccountId,
    version: client.version,
    created_at: client.createdAt,
    updated_at: client.updatedAt,
  };
}
