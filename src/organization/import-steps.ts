import type { Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { Actor } from '../changes/change-log.ts';
import type { ClientMethods, ClientStore } from '../clients/client-store.ts';
import type { ResourceServerMethods, ResourceServerStore } from '../clients/resource-server-store.ts';
import type { McpServerMethods, McpServerStore } from '../directory/mcp-server-store.ts';
import type { ProjectMethods, ProjectStore } from '../directory/project-store.ts';
import type { RoleContent, RoleMethods, RoleStore } from '../directory/role-store.ts';
import type { UserMethods, UserStore } from '../directory/user-store.ts';
import type { PolicyStore } from '../policies/policy-store.ts';
import type { Catalogue } from '../policy/vocabulary.ts';
import { difference, type ImportEntry, ImportRefused, listDifference } from './import-diff.ts';
import type { OrganizationFile } from './organization-file.ts';
import { unknownPermissions } from './permissions.ts';

/** The stores that an import writes to. */
export interface ImportStores {
  readonly users: UserStore;
  readonly roles: RoleStore;
  readonly projects: ProjectStore;
  readonly mcpServers: McpServerStore;
  readonly clients: ClientStore;
  readonly resourceServers: ResourceServerStore;
  readonly authorizations: AuthorizationStore;
  readonly policies: PolicyStore;
}

/** One import at work: everything bound to its transaction. */
export interface ImportRun {
  readonly trx: Transaction<Database>;
  readonly actor: Actor;
  readonly users: UserMethods;
  readonly roles: RoleMethods;
  readonly projects: ProjectMethods;
  readonly mcpServers: McpServerMethods;
  readonly clients: ClientMethods;
  readonly resourceServers: ResourceServerMethods;
  readonly authorizations: AuthorizationStore;
  readonly policies: PolicyStore;
  readonly entries: ImportEntry[];
}

/** Binds the stores to a transaction. */
export function startRun(stores: ImportStores, trx: Transaction<Database>, actor: Actor): ImportRun {
  return {
    trx,
    actor,
    users: stores.users.within(trx),
    roles: stores.roles.within(trx),
    projects: stores.projects.within(trx),
    mcpServers: stores.mcpServers.within(trx),
    clients: stores.clients.within(trx),
    resourceServers: stores.resourceServers.within(trx),
    authorizations: stores.authorizations,
    policies: stores.policies,
    entries: [],
  };
}

/** Brings the roles that come with Mandate up to date. */
export async function importBuiltInRoles(run: ImportRun, builtIn: readonly RoleContent[]): Promise<void> {
  for (const role of builtIn) {
    const before = await run.roles.findBySlug(role.slug);
    if (before && !before.builtIn)
      throw new ImportRefused(`role ${role.slug}: is built in, but a custom role has its slug`);
    const { changed } = await run.roles.saveBuiltIn(run.actor, role);
    const details = before ? roleDifferences(before, role) : [];
    run.entries.push({
      subject: 'role',
      name: role.slug,
      action: before ? verb(changed) : 'create',
      details,
    });
  }
}

/** Makes and changes custom roles. */
export async function importRoles(
  run: ImportRun,
  file: OrganizationFile,
  catalogue: Catalogue,
): Promise<void> {
  for (const role of file.roles) {
    const [unknown] = unknownPermissions(role.permissions, catalogue);
    if (unknown !== undefined)
      throw new ImportRefused(`role ${role.slug}: there is no permission ${unknown}`);
    const before = await run.roles.findBySlug(role.slug);
    if (!before) {
      await run.roles.create(run.actor, role);
      run.entries.push({ subject: 'role', name: role.slug, action: 'create', details: role.permissions });
      continue;
    }
    const { outcome, ...result } = {
      changed: false,
      ...(await run.roles.update(run.actor, before.id, role)),
    };
    if (outcome === 'built_in')
      throw new ImportRefused(`role ${role.slug}: is built in and changes with Mandate alone`);
    const details = roleDifferences(before, role);
    run.entries.push({ subject: 'role', name: role.slug, action: verb(result.changed), details });
  }
}

/** Makes and renames projects; the slug tells which is which. */
export async function importProjects(run: ImportRun, file: OrganizationFile): Promise<void> {
  for (const { slug, name } of file.projects) {
    const before = await run.projects.findBySlug(slug);
    if (!before) await run.projects.create(run.actor, { slug, name });
    else if (before.name !== name) await run.projects.rename(run.actor, before.id, { name });
    const details = before ? difference('name', before.name, name) : [];
    run.entries.push({
      subject: 'project',
      name: slug,
      action: before ? verb(details.length > 0) : 'create',
      details,
    });
  }
}

/** Makes MCP servers and switches them on and off; where one is and whose it is never changes. */
export async function importMcpServers(run: ImportRun, file: OrganizationFile): Promise<void> {
  for (const { name, project: projectSlug, resource, enabled } of file.mcp_servers) {
    const project = await run.projects.findBySlug(projectSlug);
    if (!project) throw new ImportRefused(`MCP server ${name}: there is no project ${projectSlug}`);
    const before = await run.mcpServers.findByName(name);
    const details: string[] = [];
    let id = before?.id;
    if (!before) {
      const made = await run.mcpServers.create(run.actor, { name, projectId: project.id, resource });
      if (made.outcome !== 'created')
        throw new ImportRefused(`MCP server ${name}: ${resource} is another server's`);
      id = made.server.id;
    } else if (before.projectId !== project.id || before.resource !== resource) {
      // People consented to this address in this project.
      throw new ImportRefused(
        `MCP server ${name}: cannot move to another project or resource; make a new one`,
      );
    }
    if (id !== undefined && enabled !== undefined && enabled !== (before?.enabled ?? true)) {
      await (enabled ? run.mcpServers.enable(run.actor, id) : run.mcpServers.disable(run.actor, id));
      details.push(enabled ? 'enable' : 'disable');
    }
    run.entries.push({
      subject: 'mcp_server',
      name,
      action: before ? verb(details.length > 0) : 'create',
      details,
    });
  }
}

/** Makes and changes resource servers; the audiences of a listed one become those of the file. */
export async function importResourceServers(run: ImportRun, file: OrganizationFile): Promise<void> {
  for (const { name, audiences, secret } of file.resource_servers) {
    const before = await run.resourceServers.find(name);
    const owned = before ? (await run.resourceServers.guardedBy(before.id)).audiences : [];
    const saved = await run.resourceServers.save(run.actor, {
      name,
      audiences,
      ...(secret === undefined ? {} : { secret }),
    });
    if (saved.outcome === 'audience_taken') {
      throw new ImportRefused(`resource server ${name}: ${saved.audience} is another one's`);
    }
    const details = listDifference('audience', owned, audiences);
    if (before && before.secretHash !== saved.server.secretHash) details.push('secret');
    run.entries.push({
      subject: 'resource_server',
      name,
      action: before ? verb(saved.changed) : 'create',
      details,
    });
  }
}

/** Names what happens to an object that exists. Pure. */
export const verb = (changed: boolean): ImportEntry['action'] => (changed ? 'update' : 'unchanged');

const roleDifferences = (before: RoleContent, after: RoleContent) => [
  ...difference('name', before.name, after.name),
  ...listDifference('permission', before.permissions, after.permissions),
];
