/** Resource servers: the APIs and MCP gateways that introspect tokens, with their audiences and secrets. */
import { z } from 'zod';
import type { ResourceServer } from '../../clients/resource-server-store.ts';
import { spelledOut } from '../../clients/resource-spelling.ts';
import { apiResource } from './api-root.ts';
import { makeProof, privateKeySchema, proofMembers } from './client-proof.ts';
import { claimVersion, holdRow } from './expected-version.ts';
import { newSecret } from './new-secret.ts';
import { type AdminDeps, operation } from './operation.ts';
import { refusal } from './problem.ts';
import { resourceSchema, slugSchema, versionSchema } from './schemas.ts';

const tag = 'Resource servers';
/** They are OAuth clients of the introspection endpoint. */
const manage = ['clients.manage'] as const;
const one = '/resource-servers/{resource_server_id}';

const serverSchema = z
  .object({
    id: z.string(),
    name: z.string().describe('The client id with which it introspects'),
    audiences: z.array(z.string()).describe('Resource URLs: tokens for these are answered'),
    mcp_server_ids: z.array(z.string()).describe('MCP servers whose resource is among the audiences'),
    has_secret: z.boolean(),
    has_keys: z.boolean().describe('Whether it may sign instead of showing a secret'),
    disabled: z.boolean(),
    version: versionSchema,
  })
  .meta({ id: 'ResourceServer' });

const serverWithSecretSchema = serverSchema
  .extend({ secret: z.string().describe('Shown this once') })
  .meta({ id: 'ResourceServerWithSecret' });

const audiencesSchema = z.array(resourceSchema).min(1).max(200);

export type ResourceServerDocument = z.output<typeof serverSchema>;

const serverSwitch = (action: 'enable' | 'disable', summary: string) =>
  operation({
    id: `${action}_resource_server`,
    tag,
    summary,
    method: 'post',
    path: `${one}/${action}`,
    anyOf: manage,
    answer: serverSchema,
    async handle(deps, { caller, params }) {
      const { id } = await requireServer(deps, params.resource_server_id);
      await deps.resourceServers[action](caller.actor, id);
      return serverDocument(deps, await requireServer(deps, id));
    },
  });

export const resourceServerOperations = {
  list: operation({
    id: 'list_resource_servers',
    tag,
    summary: 'List every resource server by name',
    method: 'get',
    path: '/resource-servers',
    anyOf: ['clients.manage', 'mcp-servers.manage'],
    answer: z.object({ items: z.array(serverSchema) }),
    async handle(deps) {
      const servers = await deps.resourceServers.list();
      return { items: await Promise.all(servers.map((server) => serverDocument(deps, server))) };
    },
  }),

  create: operation({
    id: 'create_resource_server',
    tag,
    summary: 'Register a resource server; its secret is shown this once',
    method: 'post',
    path: '/resource-servers',
    anyOf: manage,
    status: 201,
    body: z.strictObject({ name: slugSchema, audiences: audiencesSchema }),
    answer: serverWithSecretSchema,
    async handle(deps, { caller, body: { name, audiences } }) {
      refuseOwnResource(deps, audiences);
      const secret = newSecret();
      const made = await deps.store.transact(async (trx) => {
        const servers = deps.resourceServers.within(trx);
        if (await servers.find(name)) throw refusal('name_taken', { name });
        const saved = await servers.save(caller.actor, { name, audiences, secret });
        if (saved.outcome === 'audience_taken') throw refusal('resource_taken', { resource: saved.audience });
        return saved.server;
      });
      return { ...(await serverDocument(deps, made)), secret };
    },
  }),

  get: operation({
    id: 'get_resource_server',
    tag,
    summary: 'Get a resource server',
    method: 'get',
    path: one,
    anyOf: ['clients.manage', 'mcp-servers.manage'],
    answer: serverSchema,
    handle: async (deps, { params }) =>
      serverDocument(deps, await requireServer(deps, params.resource_server_id)),
  }),

  update: operation({
    id: 'update_resource_server',
    tag,
    summary: 'Set the audiences of a resource server',
    method: 'patch',
    path: one,
    anyOf: manage,
    versioned: true,
    body: z.strictObject({ audiences: audiencesSchema }),
    answer: serverSchema,
    async handle(deps, { caller, params, body: { audiences }, version }) {
      refuseOwnResource(deps, audiences);
      const { id, name } = await requireServer(deps, params.resource_server_id);
      await deps.store.transact(async (trx) => {
        await claimVersion(trx, 'resource_servers', id, version);
        const saved = await deps.resourceServers.within(trx).save(caller.actor, { name, audiences });
        if (saved.outcome === 'audience_taken') throw refusal('resource_taken', { resource: saved.audience });
      });
      return serverDocument(deps, await requireServer(deps, id));
    },
  }),

  rotateSecret: operation({
    id: 'rotate_resource_server_secret',
    tag,
    summary:
      'Replace the secret, or its keys by one; the old ones end at once, the new one is shown this once',
    method: 'post',
    path: `${one}/secret`,
    anyOf: manage,
    status: 201,
    answer: serverWithSecretSchema,
    async handle(deps, { caller, params }) {
      const { id, name } = await requireServer(deps, params.resource_server_id);
      const secret = newSecret();
      await deps.store.transact(async (trx) => {
        await holdRow(trx, 'resource_servers', id);
        const servers = deps.resourceServers.within(trx);
        const { audiences } = await servers.guardedBy(id);
        await servers.save(caller.actor, { name, audiences, secret, jwks: null });
      });
      return { ...(await serverDocument(deps, await requireServer(deps, id))), secret };
    },
  }),

  setKeys: operation({
    id: 'set_resource_server_keys',
    tag,
    summary:
      'Replace its secret or its keys by keys (RFC 7523); the old ones end at once, a private key made here is shown this once',
    method: 'post',
    path: `${one}/keys`,
    anyOf: manage,
    status: 201,
    body: z.strictObject({ jwks: proofMembers.jwks, generate_key: proofMembers.generate_key }),
    answer: serverSchema.extend({ private_key: privateKeySchema }),
    async handle(deps, { caller, params, body }) {
      const { id, name } = await requireServer(deps, params.resource_server_id);
      const { metadata, secret, privateKey } = await makeProof(body);
      if (secret !== null) throw refusal('invalid_keys', { reason: 'either jwks or generate_key is needed' });
      await deps.store.transact(async (trx) => {
        await holdRow(trx, 'resource_servers', id);
        const servers = deps.resourceServers.within(trx);
        const { audiences } = await servers.guardedBy(id);
        await servers.save(caller.actor, { name, audiences, secret: null, jwks: metadata.jwks });
      });
      return { ...(await serverDocument(deps, await requireServer(deps, id))), private_key: privateKey };
    },
  }),

  enable: serverSwitch('enable', 'Answer a disabled resource server again'),
  disable: serverSwitch('disable', 'Refuse its questions until it is enabled'),
};

async function requireServer(
  { resourceServers }: AdminDeps,
  id: string | undefined,
): Promise<ResourceServer> {
  const server = await resourceServers.findById(id ?? '');
  if (!server) throw refusal('not_found');
  return server;
}

async function serverDocument(
  { resourceServers }: AdminDeps,
  { id, name, secretHash, jwks, disabled, version }: ResourceServer,
): Promise<ResourceServerDocument> {
  const { audiences, mcpServers } = await resourceServers.guardedBy(id);
  return {
    id,
    name,
    audiences: [...audiences],
    mcp_server_ids: mcpServers.map((server) => server.id),
    has_secret: secretHash !== null,
    has_keys: jwks !== null,
    disabled,
    version,
  };
}

/** Mandate's own API is nobody else's to answer for. @throws Refusal `resource_taken` */
export function refuseOwnResource({ issuer }: AdminDeps, audiences: readonly string[]): void {
  const own = audiences.find((audience) => spelledOut(audience) === apiResource(issuer));
  if (own !== undefined) throw refusal('resource_taken', { resource: own });
}
