/** MCP servers: made, renamed, switched on and off. Where one is and whose it is never changes: people consented to that. */
import { z } from 'zod';
import { spelledOut } from '../../clients/resource-spelling.ts';
import type { McpServer } from '../../directory/mcp-server-store.ts';
import { claimVersion } from './expected-version.ts';
import { type AdminDeps, operation } from './operation.ts';
import { refusal } from './problem.ts';
import { refuseOwnResource } from './resource-server-operations.ts';
import {
  listOf,
  pageOf,
  pageQuery,
  resourceSchema,
  searchQuery,
  slugSchema,
  versionSchema,
} from './schemas.ts';

const tag = 'MCP servers';
const manage = ['mcp-servers.manage'] as const;

const serverSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    project_id: z.string(),
    resource: z.string().describe('Its resource URL, also the audience of tokens for it'),
    enabled: z.boolean(),
    version: versionSchema,
  })
  .meta({ id: 'McpServer' });

export type McpServerDocument = z.output<typeof serverSchema>;

export const mcpServerOperations = {
  list: operation({
    id: 'list_mcp_servers',
    tag,
    summary: 'List MCP servers in the order in which they were made',
    method: 'get',
    path: '/mcp-servers',
    anyOf: ['mcp-servers.manage', 'projects.manage', 'api-keys.manage'],
    query: z.strictObject({
      ...pageQuery,
      search: searchQuery.describe('Part of the name or of the resource'),
      project_id: z.string().optional(),
    }),
    answer: listOf(serverSchema),
    async handle({ mcpServers }, { query: { limit, after, search, project_id: projectId } }) {
      const wanted = search?.toLowerCase() ?? '';
      const rows = (await mcpServers.list(projectId === undefined ? {} : { projectId }))
        .filter(
          ({ id, name, resource }) =>
            (after === undefined || id > after) &&
            (name.includes(wanted) || resource.toLowerCase().includes(wanted)),
        )
        // The store has them by name; a page goes on from the id where the one before it ended.
        .sort((one, other) => (one.id < other.id ? -1 : 1));
      return pageOf(rows, limit, ({ id }) => id, serverDocument);
    },
  }),

  create: operation({
    id: 'create_mcp_server',
    tag,
    summary: 'Register an MCP server of a project',
    method: 'post',
    path: '/mcp-servers',
    anyOf: manage,
    status: 201,
    body: z.strictObject({
      name: slugSchema,
      project_id: z.string(),
      resource: resourceSchema,
      resource_server_id: z
        .string()
        .optional()
        .describe('Who introspects its tokens: the resource becomes one of its audiences'),
    }),
    answer: serverSchema,
    async handle(deps, { caller, body }) {
      const { name, project_id: projectId, resource, resource_server_id: guardId } = body;
      refuseOwnResource(deps, [resource]);
      const taken = (await deps.mcpServers.list()).some(
        (other) => spelledOut(other.resource) === spelledOut(resource),
      );
      if (taken) throw refusal('resource_taken', { resource });
      const made = await deps.store.transact(async (trx) => {
        const outcome = await deps.mcpServers.within(trx).create(caller.actor, { name, projectId, resource });
        if (outcome.outcome === 'project_not_found') throw refusal('unknown_reference', { what: projectId });
        if (outcome.outcome === 'name_taken') throw refusal('name_taken', { name });
        if (outcome.outcome === 'resource_taken') throw refusal('resource_taken', { resource });
        if (guardId !== undefined) {
          const guards = deps.resourceServers.within(trx);
          const guard = await guards.findById(guardId);
          if (!guard) throw refusal('unknown_reference', { what: guardId });
          const { audiences } = await guards.guardedBy(guardId);
          const saved = await guards.save(caller.actor, {
            name: guard.name,
            audiences: [...audiences, resource],
          });
          if (saved.outcome === 'audience_taken') throw refusal('resource_taken', { resource });
        }
        return outcome.server;
      });
      return serverDocument(made);
    },
  }),

  get: operation({
    id: 'get_mcp_server',
    tag,
    summary: 'Get an MCP server',
    method: 'get',
    path: '/mcp-servers/{mcp_server_id}',
    anyOf: ['mcp-servers.manage', 'projects.manage', 'api-keys.manage'],
    answer: serverSchema,
    handle: async (deps, { params }) => serverDocument(await requireServer(deps, params.mcp_server_id)),
  }),

  update: operation({
    id: 'update_mcp_server',
    tag,
    summary: 'Rename an MCP server, or switch it off and on; authorizations follow at once',
    method: 'patch',
    path: '/mcp-servers/{mcp_server_id}',
    anyOf: manage,
    versioned: true,
    body: z.strictObject({ name: slugSchema.optional(), enabled: z.boolean().optional() }),
    answer: serverSchema,
    async handle(deps, { caller, params, body: { name, enabled }, version }) {
      const id = params.mcp_server_id ?? '';
      await deps.store.transact(async (trx) => {
        await claimVersion(trx, 'mcp_servers', id, version);
        const servers = deps.mcpServers.within(trx);
        if (name !== undefined) {
          const done = await servers.rename(caller.actor, id, name);
          if (done.outcome === 'name_taken') throw refusal('name_taken', { name });
        }
        if (enabled !== undefined) await servers[enabled ? 'enable' : 'disable'](caller.actor, id);
      });
      return serverDocument(await requireServer(deps, id));
    },
  }),
};

async function requireServer({ mcpServers }: AdminDeps, id: string | undefined): Promise<McpServer> {
  const server = await mcpServers.find(id ?? '');
  if (!server) throw refusal('not_found');
  return server;
}

const serverDocument = ({
  id,
  name,
  projectId,
  resource,
  enabled,
  version,
}: McpServer): McpServerDocument => ({
  id,
  name,
  project_id: projectId,
  resource,
  enabled,
  version,
});
