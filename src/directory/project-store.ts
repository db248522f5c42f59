import { type Kysely, sql, type Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database, ProjectsTable } from '../../db/schema.ts';
import type { Actor } from '../changes/change-log.ts';
import { newId } from '../ids.ts';
import type { DirectoryDeps } from './user-store.ts';

/** A container of work. Its id is never reused, so one made anew under an old slug gives old tokens nothing. */
export interface Project {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly version: number;
}

export interface ProjectQuery {
  /** Part of the slug or of the name. */
  readonly search?: string;
  readonly limit: number;
  /** The id of the last project of the page before. */
  readonly after?: string;
}

export type CreateProjectOutcome = { outcome: 'created'; project: Project } | { outcome: 'slug_taken' };
export type RenameProjectOutcome =
  | { outcome: 'done'; changed: boolean }
  | { outcome: 'not_found' }
  | { outcome: 'slug_taken' };
export type DeleteProjectOutcome = { outcome: 'done' } | { outcome: 'not_found' };

export interface ProjectMethods {
  find(id: string): Promise<Project | undefined>;
  findBySlug(slug: string): Promise<Project | undefined>;
  /** Lists projects in the order in which they were made. */
  list(query: ProjectQuery): Promise<Project[]>;
  create(actor: Actor, project: { slug: string; name: string }): Promise<CreateProjectOutcome>;
  /** Changes slug or name; authorizations go by the id and keep what they have. */
  rename(actor: Actor, id: string, to: { slug?: string; name?: string }): Promise<RenameProjectOutcome>;
  /** Deletes a project with its assignments and its MCP servers; authorizations that picked it lose it at once. */
  delete(actor: Actor, id: string): Promise<DeleteProjectOutcome>;
}

export interface ProjectStore extends ProjectMethods {
  /** The same methods inside a transaction that the caller commits. */
  within(trx: Transaction<Database>): ProjectMethods;
}

/** Creates the store of projects. */
export function createProjectStore(deps: DirectoryDeps): ProjectStore {
  return {
    ...methods(deps, deps.store.db, deps.store.transact),
    within: (trx) => methods(deps, trx, (work) => work(trx)),
  };
}

function methods(
  { clock, changes }: DirectoryDeps,
  db: Kysely<Database>,
  transact: Store['transact'],
): ProjectMethods {
  return {
    async find(id) {
      // projects by primary key
      const row = await db.selectFrom('projects').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toProject(row);
    },
    findBySlug: (slug) => bySlug(db, slug),
    async list({ search, limit, after }) {
      // projects by primary key, from `after` on; a search reads each row once
      let query = db.selectFrom('projects').selectAll().orderBy('id').limit(limit);
      if (after !== undefined) query = query.where('id', '>', after);
      if (search !== undefined && search !== '') {
        const pattern = `%${search
          .trim()
          .toLowerCase()
          .replace(/[\\%_]/g, '\\$&')}%`;
        query = query.where(
          sql<boolean>`(slug like ${pattern} escape '\\' or lower(name) like ${pattern} escape '\\')`,
        );
      }
      return (await query.execute()).map(toProject);
    },
    create: (actor, { slug, name }) =>
      transact(async (trx) => {
        const now = clock.now();
        // projects by its unique slug: whoever comes second inserts nothing
        const row = await trx
          .insertInto('projects')
          .values({ id: newId('prj'), slug, name, version: 1, created_at: now, updated_at: now })
          .onConflict((conflict) => conflict.column('slug').doNothing())
          .returningAll()
          .executeTakeFirst();
        if (!row) return { outcome: 'slug_taken' };
        await changes.record(trx, actor, {
          subject: 'project',
          id: row.id,
          action: 'created',
          after: { slug, name },
        });
        return { outcome: 'created', project: toProject(row) };
      }),
    rename: (actor, id, to) =>
      transact(async (trx) => {
        // projects by primary key
        const row = await trx.selectFrom('projects').selectAll().where('id', '=', id).executeTakeFirst();
        if (!row) return { outcome: 'not_found' };
        const slug = to.slug ?? row.slug;
        const name = to.name ?? row.name;
        if (slug === row.slug && name === row.name) return { outcome: 'done', changed: false };
        const holder = await bySlug(trx, slug);
        if (holder && holder.id !== id) return { outcome: 'slug_taken' };
        // projects by primary key
        await trx
          .updateTable('projects')
          .set((old) => ({ slug, name, version: old('version', '+', 1), updated_at: clock.now() }))
          .where('id', '=', id)
          .execute();
        const before = { slug: row.slug, name: row.name };
        await changes.record(trx, actor, {
          subject: 'project',
          id,
          action: 'renamed',
          before,
          after: { slug, name },
        });
        return { outcome: 'done', changed: true };
      }),
    delete: (actor, id) =>
      transact(async (trx) => {
        // projects by primary key
        const row = await trx.selectFrom('projects').selectAll().where('id', '=', id).executeTakeFirst();
        if (!row) return { outcome: 'not_found' };
        // mcp_servers_by_project
        const servers = await trx
          .selectFrom('mcp_servers')
          .select(['id', 'resource'])
          .where('project_id', '=', id)
          .execute();
        if (servers.length > 0) {
          const resources = servers.map(({ resource }) => resource);
          await endAudiences(trx, actor, resources);
        }
        // role_assignments_by_project, users by primary key: the rights of everyone who worked on it move
        await trx
          .updateTable('users')
          .set((user) => ({ version: user('version', '+', 1), updated_at: clock.now() }))
          .where(
            'id',
            'in',
            trx.selectFrom('role_assignments').select('user_id').where('project_id', '=', id),
          )
          .execute();
        // projects by primary key; its assignments and servers go with it (foreign keys)
        await trx.deleteFrom('projects').where('id', '=', id).execute();
        for (const server of servers) {
          await changes.record(trx, actor, { subject: 'mcp_server', id: server.id, action: 'deleted' });
        }
        const before = { slug: row.slug, name: row.name };
        await changes.record(trx, actor, { subject: 'project', id, action: 'deleted', before });
        return { outcome: 'done' };
      }),
  };

  /**
   * Ends the audiences of servers that go with their project: one whose server is gone must not be left to pass for an API. Whoever
   * looks at a resource server that had one has seen another version of it, and does not bring it back with what they save.
   */
  async function endAudiences(
    trx: Transaction<Database>,
    actor: Actor,
    resources: readonly string[],
  ): Promise<void> {
    // resource_server_audiences by primary key, and by server; resource_servers by primary key
    const guarded = await trx
      .selectFrom('resource_server_audiences as ended')
      .innerJoin('resource_servers as r', 'r.id', 'ended.resource_server_id')
      .innerJoin('resource_server_audiences as a', 'a.resource_server_id', 'r.id')
      .where('ended.audience', 'in', resources)
      .select(['r.id', 'r.name', 'a.audience'])
      .distinct()
      .orderBy('r.id')
      .orderBy('a.audience')
      .execute();
    for (const [id, rows] of Map.groupBy(guarded, (row) => row.id)) {
      // resource_servers by primary key; before its audiences, as an edit of it holds them
      await trx
        .updateTable('resource_servers')
        .set((row) => ({ version: row('version', '+', 1), updated_at: clock.now() }))
        .where('id', '=', id)
        .execute();
      const audiences = rows.map(({ audience }) => audience);
      const left = audiences.filter((audience) => !resources.includes(audience));
      await changes.record(trx, actor, {
        subject: 'resource_server',
        id,
        action: 'updated',
        before: { audiences },
        after: { name: rows[0]?.name, audiences: left },
      });
    }
    // resource_server_audiences by primary key
    await trx.deleteFrom('resource_server_audiences').where('audience', 'in', resources).execute();
  }
}

async function bySlug(db: Kysely<Database>, slug: string): Promise<Project | undefined> {
  // projects by its unique slug
  const row = await db.selectFrom('projects').selectAll().where('slug', '=', slug).executeTakeFirst();
  return row && toProject(row);
}

const toProject = ({ id, slug, name, version }: ProjectsTable): Project => ({ id, slug, name, version });
