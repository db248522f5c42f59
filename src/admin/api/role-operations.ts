/** Roles: the built-in ones to read, custom ones to make and change. */
import { z } from 'zod';
import { managementPermissions } from '../../directory/management-permissions.ts';
import type { Role } from '../../directory/role-store.ts';
import { unknownPermissions } from '../../organization/permissions.ts';
import { claimVersion } from './expected-version.ts';
import { guardRoleContent } from './guards.ts';
import { type AdminDeps, operation } from './operation.ts';
import { guardOwnRole } from './over-token.ts';
import { refusal } from './problem.ts';
import { nameSchema, slugSchema, versionSchema } from './schemas.ts';

const tag = 'Roles';
/** Whoever gives roles, or hands work to people, has to be able to read them. */
const see = [
  'roles.update',
  'roles.create',
  'users.manage',
  'service-accounts.create',
  'service-accounts.update',
  'projects.manage',
  'api-keys.manage',
] as const;

const roleSchema = z
  .object({
    id: z.string(),
    slug: z.string(),
    name: z.string(),
    built_in: z.boolean().describe('Comes with Mandate and changes with it alone'),
    permissions: z.array(z.string()).describe('Capabilities and management permissions'),
    can_create_api_keys: z.boolean().describe('Whether `api-keys.create` is among its permissions'),
    version: versionSchema,
  })
  .meta({ id: 'Role' });

export type RoleDocument = z.output<typeof roleSchema>;

const permissionsSchema = z.array(z.string()).max(200);

export const roleOperations = {
  list: operation({
    id: 'list_roles',
    tag,
    summary: 'List every role',
    method: 'get',
    path: '/roles',
    anyOf: see,
    answer: z.object({ items: z.array(roleSchema) }),
    handle: async ({ roles }) => ({ items: (await roles.list()).map(roleDocument) }),
  }),

  permissions: operation({
    id: 'list_permissions',
    tag,
    summary: 'List what a role can hold: the catalogue of capabilities, and the management permissions',
    method: 'get',
    path: '/permissions',
    anyOf: see,
    answer: z.object({
      capabilities: z.array(
        z.object({
          name: z.string(),
          bound: z.enum(['organization', 'project', 'mcp_server']),
          title: z.string(),
          sensitive: z.boolean(),
          implies: z.array(z.string()),
        }),
      ),
      management: z.array(z.string()),
    }),
    handle: async ({ catalogue }) => ({
      capabilities: [...catalogue.values()].map(({ name, bound, title, sensitive, implies }) => ({
        name,
        bound,
        title,
        sensitive,
        implies: [...implies],
      })),
      management: [...managementPermissions],
    }),
  }),

  create: operation({
    id: 'create_role',
    tag,
    summary: 'Create a custom role; nobody puts in what they do not hold',
    method: 'post',
    path: '/roles',
    anyOf: ['roles.create'],
    status: 201,
    body: z.strictObject({ slug: slugSchema, name: nameSchema, permissions: permissionsSchema.default([]) }),
    answer: roleSchema,
    async handle(deps, { caller, body }) {
      requireKnown(deps, body.permissions);
      guardRoleContent(caller, body.permissions);
      const made = await deps.roles.create(caller.actor, body);
      if (made.outcome === 'slug_taken') throw refusal('slug_taken', { slug: body.slug });
      return roleDocument(made.role);
    },
  }),

  get: operation({
    id: 'get_role',
    tag,
    summary: 'Get a role',
    method: 'get',
    path: '/roles/{role_id}',
    anyOf: see,
    answer: roleSchema,
    handle: async (deps, { params }) => roleDocument(await requireRole(deps, params.role_id)),
  }),

  update: operation({
    id: 'update_role',
    tag,
    summary: 'Change a custom role; everyone who holds it follows at once',
    method: 'patch',
    path: '/roles/{role_id}',
    anyOf: ['roles.update'],
    versioned: true,
    body: z.strictObject({ name: nameSchema.optional(), permissions: permissionsSchema.optional() }),
    answer: roleSchema,
    async handle(deps, { caller, params, body: { name, permissions }, version }) {
      const id = params.role_id ?? '';
      const role = await requireRole(deps, id);
      if (role.builtIn) throw refusal('built_in', { name: role.name });
      requireKnown(deps, permissions ?? []);
      await guardOwnRole(deps, caller, id);
      await deps.store.transact(async (trx) => {
        await claimVersion(trx, 'roles', id, version);
        const roles = deps.roles.within(trx);
        // What is in there already may stay: only what is added has to be held.
        const held = (await roles.find(id))?.permissions ?? [];
        guardRoleContent(
          caller,
          (permissions ?? []).filter((added) => !held.includes(added)),
        );
        await roles.update(caller.actor, id, {
          ...(name === undefined ? {} : { name }),
          ...(permissions === undefined ? {} : { permissions }),
        });
      });
      return roleDocument(await requireRole(deps, id));
    },
  }),

  delete: operation({
    id: 'delete_role',
    tag,
    summary: 'Delete a custom role that nobody holds',
    method: 'delete',
    path: '/roles/{role_id}',
    anyOf: ['roles.update'],
    status: 204,
    versioned: true,
    async handle(deps, { caller, params, version }) {
      const id = params.role_id ?? '';
      await guardOwnRole(deps, caller, id);
      await deps.store.transact(async (trx) => {
        await claimVersion(trx, 'roles', id, version);
        const done = await deps.roles.within(trx).delete(caller.actor, id);
        if (done.outcome === 'not_found') throw refusal('not_found');
        if (done.outcome === 'built_in') throw refusal('built_in', { name: id });
        if (done.outcome === 'in_use') throw refusal('in_use', { count: done.assignments });
      });
    },
  }),
};

async function requireRole({ roles }: AdminDeps, id: string | undefined): Promise<Role> {
  const role = await roles.find(id ?? '');
  if (!role) throw refusal('not_found');
  return role;
}

function requireKnown({ catalogue }: AdminDeps, permissions: readonly string[]): void {
  const [unknown] = unknownPermissions(permissions, catalogue);
  if (unknown !== undefined) throw refusal('unknown_reference', { what: unknown });
}

const roleDocument = ({ id, slug, name, builtIn, permissions, version }: Role): RoleDocument => ({
  id,
  slug,
  name,
  built_in: builtIn,
  permissions: [...permissions],
  can_create_api_keys: permissions.includes('api-keys.create'),
  version,
});
