/** People and service accounts: the same operations for both, under the permissions of each. */
import type { Transaction } from 'kysely';
import { z } from 'zod';
import type { Database } from '../../../db/schema.ts';
import type { ManagementPermission } from '../../directory/management-permissions.ts';
import type { User } from '../../directory/user-store.ts';
import { accountSchema, accountSummary, accountSummarySchema, readAccount } from './account-document.ts';
import { claimVersion } from './expected-version.ts';
import { guardAccount, guardGrant } from './guards.ts';
import { guardNewPassword } from './new-password.ts';
import { type AdminDeps, operation } from './operation.ts';
import { requireSession } from './over-token.ts';
import { refusal } from './problem.ts';
import {
  emailSchema,
  listOf,
  nameSchema,
  pageOf,
  pageQuery,
  passwordSchema,
  searchQuery,
} from './schemas.ts';

interface AccountKind {
  readonly kind: User['kind'];
  /** `user` or `service_account`: names operations and path parameters. */
  readonly noun: string;
  readonly path: string;
  readonly tag: string;
  readonly see: readonly ManagementPermission[];
  readonly create: readonly ManagementPermission[];
  readonly update: readonly ManagementPermission[];
}

/** Defines the operations on one kind of account. */
function accountOperations({ kind, noun, path, tag, see, create, update }: AccountKind) {
  const one = `${path}/{${noun}_id}`;
  const idOf = (params: Readonly<Record<string, string>>) => params[`${noun}_id`] ?? '';
  const label = noun.replace('_', ' ');

  return {
    list: operation({
      id: `list_${noun}s`,
      tag,
      summary: `List ${label}s in the order in which they were made`,
      method: 'get',
      path,
      anyOf: see,
      query: z.strictObject({
        ...pageQuery,
        search: searchQuery.describe('Part of the address or of the name'),
      }),
      answer: listOf(accountSummarySchema),
      async handle({ users, accountLinks }, { query: { limit, after, search } }) {
        const rows = await users.list({
          kind,
          limit: limit + 1,
          ...(after === undefined ? {} : { after }),
          ...(search === undefined ? {} : { search }),
        });
        const invited = await accountLinks.invitationsOf(rows.map(({ id }) => id));
        return pageOf(
          rows,
          limit,
          ({ id }) => id,
          (row) => accountSummary(row, invited.has(row.id)),
        );
      },
    }),

    create: operation({
      id: `create_${noun}`,
      tag,
      summary: `Create a ${label}`,
      method: 'post',
      path,
      anyOf: create,
      status: 201,
      body: z.strictObject({
        email: emailSchema.describe('Unique among people and service accounts'),
        name: nameSchema,
        password: passwordSchema.optional().describe('Without one there is no interactive sign-in'),
        role_ids: z.array(z.string()).max(50).default([]).describe('Roles on the organization'),
      }),
      answer: accountSchema,
      async handle(deps, { caller, body }) {
        if (body.password !== undefined) {
          requireSession(caller);
          guardNewPassword(body.password, body);
        }
        const passwordHash = body.password === undefined ? null : await deps.passwords.hash(body.password);
        const id = await deps.store.transact(async (trx) => {
          const users = deps.users.within(trx);
          const made = await users.create(caller.actor, {
            kind,
            email: body.email,
            name: body.name,
            passwordHash,
          });
          if (made.outcome === 'email_taken') throw refusal('email_taken', { email: body.email });
          for (const roleId of body.role_ids) {
            await giveRole(deps, caller, trx, { userId: made.user.id, roleId, projectId: null });
          }
          return made.user.id;
        });
        return readAccount(deps, kind, id);
      },
    }),

    get: operation({
      id: `get_${noun}`,
      tag,
      summary: `Get a ${label} with everything that it holds`,
      method: 'get',
      path: one,
      anyOf: see,
      answer: accountSchema,
      handle: (deps, { params }) => readAccount(deps, kind, idOf(params)),
    }),

    update: operation({
      id: `update_${noun}`,
      tag,
      summary: 'Change address, name or password',
      method: 'patch',
      path: one,
      anyOf: update,
      versioned: true,
      body: z.strictObject({
        email: emailSchema.optional(),
        name: nameSchema.optional(),
        password: passwordSchema.nullable().optional().describe('null ends interactive sign-in'),
      }),
      answer: accountSchema,
      async handle(deps, { caller, params, body: { email, name, password }, version }) {
        const id = idOf(params);
        const account = await requireAccount(deps, kind, id);
        if (email !== undefined || typeof password === 'string') requireSession(caller);
        if (typeof password === 'string') {
          guardNewPassword(password, { email: email ?? account.email, name: name ?? account.name });
        }
        const passwordHash = typeof password === 'string' ? await deps.passwords.hash(password) : password;
        await deps.store.transact(async (trx) => {
          await claimVersion(trx, 'users', id, version);
          const takesOver = email !== undefined || typeof password === 'string';
          await guardAccount(deps, caller, id, { takesOver, db: trx });
          const changed = await deps.users.within(trx).update(caller.actor, id, {
            ...(email === undefined ? {} : { email }),
            ...(name === undefined ? {} : { name }),
            ...(passwordHash === undefined ? {} : { passwordHash }),
          });
          if (changed.outcome === 'email_taken') throw refusal('email_taken', { email: email ?? '' });
        });
        return readAccount(deps, kind, id);
      },
    }),

    suspend: operation({
      id: `suspend_${noun}`,
      tag,
      summary: 'Take every right away until it is resumed, in tokens already issued too',
      method: 'post',
      path: `${one}/suspend`,
      anyOf: update,
      answer: accountSchema,
      async handle(deps, { caller, params }) {
        const id = idOf(params);
        await requireAccount(deps, kind, id);
        await guardAccount(deps, caller, id);
        const done = await deps.users.suspend(caller.actor, id);
        if (done.outcome === 'last_owner') throw refusal('last_owner');
        return readAccount(deps, kind, id);
      },
    }),

    resume: operation({
      id: `resume_${noun}`,
      tag,
      summary: 'Give a suspended account its rights back',
      method: 'post',
      path: `${one}/resume`,
      anyOf: update,
      answer: accountSchema,
      async handle(deps, { caller, params }) {
        const id = idOf(params);
        await requireAccount(deps, kind, id);
        await guardAccount(deps, caller, id);
        await deps.users.resume(caller.actor, id);
        return readAccount(deps, kind, id);
      },
    }),

    assign: operation({
      id: `assign_${noun}_role`,
      tag,
      summary: 'Give a role, on the organization or on one project',
      method: 'post',
      path: `${one}/assignments`,
      anyOf: update,
      body: z.strictObject({
        role_id: z.string(),
        project_id: z.string().nullable().default(null).describe('null: on the organization'),
      }),
      answer: accountSchema,
      async handle(deps, { caller, params, body }) {
        const id = idOf(params);
        await requireAccount(deps, kind, id);
        await deps.store.transact(async (trx) => {
          await guardAccount(deps, caller, id, { db: trx });
          const assignment = { userId: id, roleId: body.role_id, projectId: body.project_id };
          await giveRole(deps, caller, trx, assignment);
        });
        return readAccount(deps, kind, id);
      },
    }),

    unassign: operation({
      id: `unassign_${noun}_role`,
      tag,
      summary: 'Take a role away; authorizations lose what it gave at once',
      method: 'delete',
      path: `${one}/assignments/{role_id}`,
      anyOf: update,
      query: z.strictObject({ project_id: z.string().optional().describe('Absent: on the organization') }),
      answer: accountSchema,
      async handle(deps, { caller, params, query }) {
        const id = idOf(params);
        await requireAccount(deps, kind, id);
        await guardAccount(deps, caller, id);
        const assignment = { userId: id, roleId: params.role_id ?? '', projectId: query.project_id ?? null };
        const done = await deps.users.unassign(caller.actor, assignment);
        if (done.outcome === 'last_owner') throw refusal('last_owner');
        return readAccount(deps, kind, id);
      },
    }),
  };
}

/** Finds an account of one kind. @throws Refusal `not_found`, also when it is of the other kind */
export async function requireAccount({ users }: AdminDeps, kind: User['kind'], id: string): Promise<User> {
  const account = await users.findById(id);
  if (account?.kind !== kind) throw refusal('not_found');
  return account;
}

/** Gives a role that exists and that the caller may hand out. @throws Refusal */
export async function giveRole(
  deps: AdminDeps,
  caller: Parameters<typeof guardGrant>[0],
  trx: Transaction<Database>,
  assignment: { userId: string; roleId: string; projectId: string | null },
): Promise<void> {
  const role = await deps.roles.within(trx).find(assignment.roleId);
  if (!role) throw refusal('unknown_reference', { what: assignment.roleId });
  guardGrant(caller, role, assignment.projectId);
  const done = await deps.users.within(trx).assign(caller.actor, assignment);
  if (done.outcome === 'not_found')
    throw refusal('unknown_reference', { what: assignment.projectId ?? done.missing });
}

export const userOperations = accountOperations({
  kind: 'person',
  noun: 'user',
  path: '/users',
  tag: 'Users',
  see: ['users.manage'],
  create: ['users.manage'],
  update: ['users.manage'],
});

export const serviceAccountOperations = accountOperations({
  kind: 'service_account',
  noun: 'service_account',
  path: '/service-accounts',
  tag: 'Service accounts',
  see: ['service-accounts.update', 'service-accounts.create'],
  create: ['service-accounts.create'],
  update: ['service-accounts.update'],
});

/** Either kind's operations: their shapes are the same. */
export type AccountOperations = typeof userOperations;
