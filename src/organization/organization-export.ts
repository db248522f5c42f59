/**
 * Writes an organization down as the file that `organization-import` reads: the two are each other's counterpart, so importing an
 * export changes nothing. Secrets and passwords are kept as hashes and cannot be written; an import without them leaves them.
 */
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { ClientStore, StoredClient } from '../clients/client-store.ts';
import type { ResourceServerStore } from '../clients/resource-server-store.ts';
import type { McpServerStore } from '../directory/mcp-server-store.ts';
import type { ProjectStore } from '../directory/project-store.ts';
import type { RoleStore } from '../directory/role-store.ts';
import type { UserStore } from '../directory/user-store.ts';
import type { PolicyStore } from '../policies/policy-store.ts';
import { type ClientEntry, type OrganizationFile, organizationSchema } from './organization-file.ts';
import { policySectionOf } from './policy-section.ts';

export interface ExportStores {
  readonly users: UserStore;
  readonly roles: RoleStore;
  readonly projects: ProjectStore;
  readonly mcpServers: McpServerStore;
  readonly clients: ClientStore;
  readonly resourceServers: ResourceServerStore;
  readonly authorizations: AuthorizationStore;
  readonly policies: Pick<PolicyStore, 'read'>;
}

export interface OrganizationExport {
  readonly file: OrganizationFile;
  /** What the format cannot hold, such as a client whose id is an address, or whose authorization was revoked: list and name. */
  readonly leftOut: readonly string[];
}

const atOnce = 200;

/** Reads all of an organization that a file can say. Clients are those that an administrator registered. */
export async function exportOrganization(stores: ExportStores): Promise<OrganizationExport> {
  const roles = await stores.roles.list();
  const projects = await all((page) => stores.projects.list(page));
  const users = await all((page) => stores.users.list(page));
  const clients = await all((page) => stores.clients.list({ ...page, kind: 'registered' }));
  const roleSlugs = new Map(roles.map(({ id, slug }) => [id, slug]));
  const projectSlugs = new Map(projects.map(({ id, slug }) => [id, slug]));
  const servers = await stores.mcpServers.list();
  const serverNames = new Map(servers.map(({ id, name }) => [id, name]));
  const emails = new Map(users.map(({ id, email }) => [id, email]));
  const named = (names: ReadonlyMap<string, string>, ids: readonly string[]) =>
    ids.flatMap((id) => names.get(id) ?? []);
  const rolesByProject = (picks: readonly { readonly id: string; readonly roles: readonly string[] }[]) =>
    Object.fromEntries(
      picks.flatMap(({ id, roles: picked }) => {
        const slug = projectSlugs.get(id);
        return slug === undefined ? [] : [[slug, named(roleSlugs, picked)]];
      }),
    );

  const writeClient = async (client: StoredClient): Promise<ClientEntry | undefined> => {
    const { id, metadata, disabled, serviceAccountId } = client;
    const account = serviceAccountId === null ? undefined : emails.get(serviceAccountId);
    const entry = { id, metadata: { ...metadata }, enabled: !disabled };
    if (account === undefined) return entry;
    const held = await stores.authorizations.findByClient(id);
    // The file says what a client holds of its account, for good, and nothing said is all of it: what was revoked or paused, or ends
    // by itself, would come back as more than it was.
    if (held?.status !== 'active' || held.expiresAt !== null) return undefined;
    if (held.followsOwner) return { ...entry, service_account: account };
    const authorization = {
      capabilities: [...held.capabilities],
      projects: rolesByProject(held.projects),
      mcp_servers: named(serverNames, held.mcpServers),
    };
    return { ...entry, service_account: account, authorization };
  };
  const clientEntries = await Promise.all(
    clients.map(async (client) => ({ id: client.id, entry: await writeClient(client) })),
  );

  const written = {
    roles: roles
      .filter(({ builtIn }) => !builtIn)
      .map(({ slug, name, permissions }) => ({ slug, name, permissions: [...permissions] })),
    projects: projects.map(({ slug, name }) => ({ slug, name })),
    mcp_servers: servers.map(({ name, projectId, resource, enabled }) => ({
      name,
      project: projectSlugs.get(projectId) ?? projectId,
      resource,
      enabled,
    })),
    users: await Promise.all(
      users.map(async ({ id, email, kind, name, status }) => {
        const held = await stores.users.assignmentsOf(id);
        const onProjects = Map.groupBy(held, ({ projectId }) => projectId);
        return {
          ...{ email, kind, name, status },
          roles: named(
            roleSlugs,
            (onProjects.get(null) ?? []).map(({ roleId }) => roleId),
          ),
          projects: rolesByProject(
            [...onProjects].flatMap(([project, assignments]) =>
              project === null ? [] : [{ id: project, roles: assignments.map(({ roleId }) => roleId) }],
            ),
          ),
        };
      }),
    ),
    resource_servers: await Promise.all(
      (await stores.resourceServers.list()).map(async ({ id, name }) => ({
        name,
        audiences: [...(await stores.resourceServers.guardedBy(id)).audiences],
      })),
    ),
    clients: clientEntries.flatMap(({ entry }) => entry ?? []),
  };
  const { file, leftOut } = withinFormat(written);
  const unsaid = clientEntries.flatMap(({ id, entry }) => (entry ? [] : [`clients: ${id}`]));
  const { policy } = await stores.policies.read();
  return { file: { ...file, policy: policySectionOf(policy) }, leftOut: [...leftOut, ...unsaid] };
}

/** Leaves out what the format cannot hold, entry by entry. */
function withinFormat(written: Readonly<Record<string, readonly object[]>>): OrganizationExport {
  const leftOut: string[] = [];
  const kept = Object.entries(written).map(([list, entries]) => [
    list,
    // In one order, so that two exports can be compared.
    entries
      .toSorted((one, other) => nameOf(one).localeCompare(nameOf(other), 'en'))
      .filter((entry) => {
        const fits = organizationSchema.safeParse({ [list]: [entry] }).success;
        if (!fits) leftOut.push(`${list}: ${nameOf(entry)}`);
        return fits;
      }),
  ]);
  return { file: organizationSchema.parse(Object.fromEntries(kept)), leftOut };
}

function nameOf(entry: object): string {
  const { slug, email, name, id } = entry as Record<string, unknown>;
  return String(slug ?? email ?? name ?? id);
}

/** Reads every page of a list. */
async function all<Item extends { readonly id: string }>(
  list: (page: { limit: number; after?: string }) => Promise<Item[]>,
): Promise<Item[]> {
  const found: Item[] = [];
  for (;;) {
    const after = found.at(-1)?.id;
    const page = await list({ limit: atOnce, ...(after === undefined ? {} : { after }) });
    found.push(...page);
    if (page.length < atOnce) return found;
  }
}
