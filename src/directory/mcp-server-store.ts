import type { Kysely, Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database, McpServersTable } from '../../db/schema.ts';
import type { Actor } from '../changes/change-log.ts';
import { newId } from '../ids.ts';
import type { DirectoryDeps } from './user-store.ts';

/** A Model Context Protocol endpoint that belongs to a project. */
export interface McpServer {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  /** Its resource URL in the registered form (RFC 8707 section 2). */
  readonly resource: string;
  readonly enabled: boolean;
  readonly version: number;
}

export interface NewMcpServer {
  readonly name: string;
  readonly projectId: string;
  readonly resource: string;
}

export type CreateMcpServerOutcome =
  | { outcome: 'created'; server: McpServer }
  | { outcome: 'name_taken' }
  | { outcome: 'resource_taken' }
  | { outcome: 'project_not_found' };
export type UpdateMcpServerOutcome =
  | { outcome: 'done'; changed: boolean }
  | { outcome: 'not_found' }
  | { outcome: 'name_taken' };
export type SwitchMcpServerOutcome = { outcome: 'done'; changed: boolean } | { outcome: 'not_found' };

export interface McpServerMethods {
  find(id: string): Promise<McpServer | undefined>;
  findByName(name: string): Promise<McpServer | undefined>;
  findByResource(resource: string): Promise<McpServer | undefined>;
  /** Lists servers by name. */
  list(query?: { projectId?: string }): Promise<McpServer[]>;
  create(actor: Actor, server: NewMcpServer): Promise<CreateMcpServerOutcome>;
  /** Changes the name; project and resource are what people consented to, so they stay. */
  rename(actor: Actor, id: string, name: string): Promise<UpdateMcpServerOutcome>;
  enable(actor: Actor, id: string): Promise<SwitchMcpServerOutcome>;
  /** Takes the server out of every answer until `enable`. */
  disable(actor: Actor, id: string): Promise<SwitchMcpServerOutcome>;
}

export interface McpServerStore extends McpServerMethods {
  /** The same methods inside a transaction that the caller commits. */
  within(trx: Transaction<Database>): McpServerMethods;
}

/** Creates the store of MCP servers. */
export function createMcpServerStore(deps: DirectoryDeps): McpServerStore {
  return {
    ...methods(deps, deps.store.db, deps.store.transact),
    within: (trx) => methods(deps, trx, (work) => work(trx)),
  };
}

function methods(
  { clock, changes }: DirectoryDeps,
  db: Kysely<Database>,
  transact: Store['transact'],
): McpServerMethods {
  return {
    // mcp_servers by primary key
    find: (id) => findBy(db, 'id', id),
    // mcp_servers by its unique name
    findByName: (name) => findBy(db, 'name', name),
    // mcp_servers by its unique resource
    findByResource: (resource) => findBy(db, 'resource', resource),
    async list({ projectId } = {}) {
      // mcp_servers_by_project, or the whole table by its unique name
      let query = db.selectFrom('mcp_servers').selectAll().orderBy('name');
      if (projectId !== undefined) query = query.where('project_id', '=', projectId);
      return (await query.execute()).map(toServer);
    },
    create: (actor, { name, projectId, resource }) =>
      transact(async (trx) => {
        // projects by primary key
        const project = await trx
          .selectFrom('projects')
          .select('id')
          .where('id', '=', projectId)
          .executeTakeFirst();
        if (!project) return { outcome: 'project_not_found' };
        const now = clock.now();
        // mcp_servers by its unique name and resource: whoever comes second inserts nothing
        const row = await trx
          .insertInto('mcp_servers')
          .values({
            id: newId('mcp'),
            name,
            project_id: projectId,
            resource,
            enabled: 1,
            version: 1,
            created_at: now,
            updated_at: now,
          })
          .onConflict((conflict) => conflict.doNothing())
          .returningAll()
          .executeTakeFirst();
        if (!row) return { outcome: (await findBy(trx, 'name', name)) ? 'name_taken' : 'resource_taken' };
        const after = { name, project: projectId, resource };
        await changes.record(trx, actor, { subject: 'mcp_server', id: row.id, action: 'created', after });
        return { outcome: 'created', server: toServer(row) };
      }),
    rename: (actor, id, name) =>
      transact(async (trx) => {
        const server = await findBy(trx, 'id', id);
        if (!server) return { outcome: 'not_found' };
        if (server.name === name) return { outcome: 'done', changed: false };
        if (await findBy(trx, 'name', name)) return { outcome: 'name_taken' };
        // mcp_servers by primary key
        await trx
          .updateTable('mcp_servers')
          .set((row) => ({ name, version: row('version', '+', 1), updated_at: clock.now() }))
          .where('id', '=', id)
          .execute();
        const change = { action: 'renamed', before: { name: server.name }, after: { name } };
        await changes.record(trx, actor, { subject: 'mcp_server', id, ...change });
        return { outcome: 'done', changed: true };
      }),
    enable: (actor, id) => transact((trx) => setEnabled(trx, actor, id, true)),
    disable: (actor, id) => transact((trx) => setEnabled(trx, actor, id, false)),
  };

  async function setEnabled(
    trx: Transaction<Database>,
    actor: Actor,
    id: string,
    enabled: boolean,
  ): Promise<SwitchMcpServerOutcome> {
    const flag = enabled ? 1 : 0;
    // mcp_servers by primary key
    const { numUpdatedRows } = await trx
      .updateTable('mcp_servers')
      .set((row) => ({ enabled: flag, version: row('version', '+', 1), updated_at: clock.now() }))
      .where('id', '=', id)
      .where('enabled', '<>', flag)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) {
      return (await findBy(trx, 'id', id)) ? { outcome: 'done', changed: false } : { outcome: 'not_found' };
    }
    await changes.record(trx, actor, { subject: 'mcp_server', id, action: enabled ? 'enabled' : 'disabled' });
    return { outcome: 'done', changed: true };
  }
}

async function findBy(db: Kysely<Database>, column: 'id' | 'name' | 'resource', value: string) {
  const row = await db.selectFrom('mcp_servers').selectAll().where(column, '=', value).executeTakeFirst();
  return row && toServer(row);
}

function toServer(row: McpServersTable): McpServer {
  return {
    id: row.id,
    name: row.name,
    projectId: row.project_id,
    resource: row.resource,
    enabled: row.enabled === 1,
    version: row.version,
  };
}
