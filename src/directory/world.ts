import type { Kysely } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import type { Catalogue, McpServerFacts, World } from '../policy/vocabulary.ts';

/** Reads what exists now, in the words of the rule. */
export interface WorldSource {
  /**
   * Reads the projects and servers that an authorization mentions, the projects of those servers, and every role.
   * @param mentioned project ids and MCP server ids; unknown ones are absent from the answer
   */
  of(mentioned: { projects: readonly string[]; mcpServers: readonly string[] }): Promise<World>;
  /** Reads everything: for pages that offer a choice, and for authorizations that follow their owner. */
  whole(): Promise<World>;
}

/** Creates the reader over the embedded directory. */
export function createWorld({
  store,
  catalogue,
}: {
  store: Pick<Store, 'db'>;
  catalogue: Catalogue;
}): WorldSource {
  const { db } = store;
  return {
    async of({ projects: projectIds, mcpServers: serverIds }) {
      const [roles, servers, projects] = await Promise.all([
        readRoles(db),
        serverIds.length === 0
          ? []
          : // mcp_servers by primary key, projects by primary key
            selectServers(db).where('s.id', 'in', serverIds).execute(),
        projectIds.length === 0
          ? []
          : // projects by primary key
            db.selectFrom('projects').select(['id', 'slug', 'name']).where('id', 'in', projectIds).execute(),
      ]);
      return assemble(catalogue, roles, projects, servers);
    },
    async whole() {
      const [roles, servers, projects] = await Promise.all([
        readRoles(db),
        // the whole of both tables, by the names that people see
        selectServers(db).orderBy('s.name').execute(),
        db.selectFrom('projects').select(['id', 'slug', 'name']).orderBy('slug').execute(),
      ]);
      return assemble(catalogue, roles, projects, servers);
    },
  };
}

type ProjectRow = { id: string; slug: string; name: string };
type ServerRow = Awaited<ReturnType<ReturnType<typeof selectServers>['execute']>>[number];

function selectServers(db: Kysely<Database>) {
  return db
    .selectFrom('mcp_servers as s')
    .innerJoin('projects as p', 'p.id', 's.project_id')
    .select(['s.id', 's.name', 's.project_id', 's.resource', 's.enabled'])
    .select(['p.slug as project_slug', 'p.name as project_name']);
}

async function readRoles(db: Kysely<Database>): Promise<World['roles']> {
  // the whole table: roles are few
  const rows = await db
    .selectFrom('roles')
    .select(['id', 'slug', 'name', 'permissions'])
    .orderBy('slug')
    .execute();
  return new Map(
    rows.map(({ id, slug, name, permissions }) => [
      id,
      { slug, name, permissions: new Set(JSON.parse(permissions) as string[]) },
    ]),
  );
}

function assemble(
  catalogue: Catalogue,
  roles: World['roles'],
  projectRows: readonly ProjectRow[],
  serverRows: readonly ServerRow[],
): World {
  const projects = new Map(projectRows.map(({ id, slug, name }) => [id, { slug, name }]));
  const mcpServers = new Map<string, McpServerFacts>();
  for (const { id, name, project_id: project, resource, enabled, ...home } of serverRows) {
    mcpServers.set(id, { name, project, resource, enabled: enabled === 1 });
    // The rule wants a server's project beside it, picked or not.
    if (!projects.has(project)) projects.set(project, { slug: home.project_slug, name: home.project_name });
  }
  return { catalogue, projects, mcpServers, roles };
}
