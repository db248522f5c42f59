/** Projects: containers of work. Deleting one takes it out of every authorization at once. */
import { z } from 'zod';
import type { Project } from '../../directory/project-store.ts';
import { claimVersion } from './expected-version.ts';
import { type AdminDeps, operation } from './operation.ts';
import { refusal } from './problem.ts';
import { listOf, nameSchema, pageOf, pageQuery, searchQuery, slugSchema, versionSchema } from './schemas.ts';

const tag = 'Projects';
const manage = ['projects.manage'] as const;
const see = [
  'projects.manage',
  'users.manage',
  'mcp-servers.manage',
  'service-accounts.create',
  'service-accounts.update',
  'api-keys.manage',
] as const;

const projectSchema = z
  .object({ id: z.string(), slug: z.string(), name: z.string(), version: versionSchema })
  .meta({ id: 'Project' });

const projectWithMembersSchema = projectSchema
  .extend({
    members: z
      .array(z.object({ user_id: z.string(), email: z.string(), role_id: z.string(), role: z.string() }))
      .describe('Who holds a role on the project itself; roles on the organization hold here too'),
    mcp_servers: z.array(z.object({ id: z.string(), name: z.string(), enabled: z.boolean() })),
  })
  .meta({ id: 'ProjectWithMembers' });

export type ProjectDocument = z.output<typeof projectSchema>;

export const projectOperations = {
  list: operation({
    id: 'list_projects',
    tag,
    summary: 'List projects in the order in which they were made',
    method: 'get',
    path: '/projects',
    anyOf: see,
    query: z.strictObject({ ...pageQuery, search: searchQuery.describe('Part of the slug or of the name') }),
    answer: listOf(projectSchema),
    async handle({ projects }, { query: { limit, after, search } }) {
      const rows = await projects.list({
        limit: limit + 1,
        ...(after === undefined ? {} : { after }),
        ...(search === undefined ? {} : { search }),
      });
      return pageOf(rows, limit, ({ id }) => id, projectDocument);
    },
  }),

  create: operation({
    id: 'create_project',
    tag,
    summary: 'Create a project; no authorization reaches it until somebody picks it',
    method: 'post',
    path: '/projects',
    anyOf: manage,
    status: 201,
    body: z.strictObject({ slug: slugSchema, name: nameSchema }),
    answer: projectSchema,
    async handle(deps, { caller, body }) {
      const made = await deps.projects.create(caller.actor, body);
      if (made.outcome === 'slug_taken') throw refusal('slug_taken', { slug: body.slug });
      return projectDocument(made.project);
    },
  }),

  get: operation({
    id: 'get_project',
    tag,
    summary: 'Get a project with its members and MCP servers',
    method: 'get',
    path: '/projects/{project_id}',
    anyOf: see,
    answer: projectWithMembersSchema,
    async handle(deps, { params }) {
      const project = await requireProject(deps, params.project_id);
      const [assignments, servers, roles] = await Promise.all([
        deps.users.assignmentsOn(project.id),
        deps.mcpServers.list({ projectId: project.id }),
        deps.roles.list(),
      ]);
      const members = [];
      for (const { userId, roleId } of assignments) {
        const user = await deps.users.findById(userId);
        const role = roles.find(({ id }) => id === roleId);
        if (user && role)
          members.push({ user_id: userId, email: user.email, role_id: roleId, role: role.name });
      }
      return {
        ...projectDocument(project),
        members: members.sort((one, other) => one.email.localeCompare(other.email)),
        mcp_servers: servers.map(({ id, name, enabled }) => ({ id, name, enabled })),
      };
    },
  }),

  update: operation({
    id: 'update_project',
    tag,
    summary: 'Change slug or name; authorizations go by the id and keep what they have',
    method: 'patch',
    path: '/projects/{project_id}',
    anyOf: manage,
    versioned: true,
    body: z.strictObject({ slug: slugSchema.optional(), name: nameSchema.optional() }),
    answer: projectSchema,
    async handle(deps, { caller, params, body: { slug, name }, version }) {
      const id = params.project_id ?? '';
      await deps.store.transact(async (trx) => {
        await claimVersion(trx, 'projects', id, version);
        const done = await deps.projects.within(trx).rename(caller.actor, id, {
          ...(slug === undefined ? {} : { slug }),
          ...(name === undefined ? {} : { name }),
        });
        if (done.outcome === 'slug_taken') throw refusal('slug_taken', { slug: slug ?? '' });
      });
      return projectDocument(await requireProject(deps, id));
    },
  }),

  delete: operation({
    id: 'delete_project',
    tag,
    summary: 'Delete a project with its roles and MCP servers; one made anew under its slug is another one',
    method: 'delete',
    path: '/projects/{project_id}',
    anyOf: manage,
    status: 204,
    versioned: true,
    async handle(deps, { caller, params, version }) {
      const id = params.project_id ?? '';
      await deps.store.transact(async (trx) => {
        await claimVersion(trx, 'projects', id, version);
        await deps.projects.within(trx).delete(caller.actor, id);
      });
    },
  }),
};

async function requireProject({ projects }: AdminDeps, id: string | undefined): Promise<Project> {
  const project = await projects.find(id ?? '');
  if (!project) throw refusal('not_found');
  return project;
}

const projectDocument = ({ id, slug, name, version }: Project): ProjectDocument => ({
  id,
  slug,
  name,
  version,
});
