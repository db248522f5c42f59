/**
 * What even a permission does not allow: to change an Owner without being one, and to hand out or take over more than one has.
 * Every guard throws a `Refusal`; run inside the transaction that makes the change, it sees what that transaction sees.
 */
import type { Transaction } from 'kysely';
import type { Database } from '../../../db/schema.ts';
import type { LiveAccess } from '../../directory/live-access.ts';
import { isManagementPermission } from '../../directory/management-permissions.ts';
import { ownerSlug } from '../../directory/owners.ts';
import type { Role } from '../../directory/role-store.ts';
import { holdsOn } from '../../policy/live-permissions.ts';
import type { Caller } from './caller.ts';
import type { AdminDeps } from './operation.ts';
import { guardManagement, guardSelf } from './over-token.ts';
import { refusal } from './problem.ts';

/** Names at most this many permissions in a refusal. */
const mostNamed = 5;

/** Refuses to give anybody a role that holds a permission which the caller lacks there. */
export function guardGrant(caller: Caller, role: Role, projectId: string | null): void {
  if (role.slug === ownerSlug && role.builtIn && !caller.isOwner) throw refusal('owners_only');
  if (projectId === null) guardManagement(caller, role.permissions);
  const counting =
    projectId === null ? role.permissions : role.permissions.filter((name) => !isManagementPermission(name));
  guardPermissions(counting, (name) =>
    projectId === null ? caller.permissions.has(name) : holdsOn(caller.access.live, projectId, name),
  );
}

/** Refuses to put permissions into a role that the caller lacks on the organization. */
export function guardRoleContent(caller: Caller, permissions: readonly string[]): void {
  guardManagement(caller, permissions);
  guardPermissions(permissions, (name) => caller.permissions.has(name));
}

/**
 * Refuses to change an account that manages more than the caller does.
 * @param takesOver the change lets somebody act as the account: then the caller must hold everything that it holds
 * @param db the transaction that makes the change. Nothing is read beside it: each connection to PostgreSQL may have its transaction, and all
 *   of them would wait for one more
 */
export async function guardAccount(
  deps: Pick<AdminDeps, 'liveAccess' | 'roles'>,
  caller: Caller,
  userId: string,
  { takesOver = false, db }: { takesOver?: boolean; db?: Transaction<Database> } = {},
): Promise<LiveAccess> {
  const access = await deps.liveAccess.read(userId, db);
  if (!access) throw refusal('not_found');
  guardSelf(caller, userId);
  if (userId === caller.id) return access;
  const owner = await (db ? deps.roles.within(db) : deps.roles).findBySlug(ownerSlug);
  if (owner && access.assigned.organization.includes(owner.id) && !caller.isOwner)
    throw refusal('owners_only');
  const { organization, projects } = access.live;
  guardPermissions(
    [...organization].filter((name) => takesOver || isManagementPermission(name)),
    (name) => caller.permissions.has(name),
  );
  if (!takesOver) return access;
  for (const [project, permissions] of projects) {
    guardPermissions(
      [...permissions].filter((name) => !isManagementPermission(name)),
      (name) => holdsOn(caller.access.live, project, name),
    );
  }
  return access;
}

function guardPermissions(names: readonly string[], holds: (name: string) => boolean): void {
  const beyond = names.filter((name) => !holds(name));
  if (beyond.length === 0) return;
  throw refusal('beyond_own_rights', { permissions: beyond.slice(0, mostNamed).join(', ') });
}
