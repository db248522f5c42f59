import type { Kysely } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import { isLastOwner, ownerSlug, takeOwnersTurn } from './owners.ts';

/** A role that a user holds, on a project or (null) on the organization. */
export interface Assignment {
  readonly userId: string;
  readonly roleId: string;
  readonly projectId: string | null;
}

/** `changed: false` when it was so already. */
export type AssignOutcome =
  | { readonly outcome: 'done'; readonly changed: boolean }
  | { readonly outcome: 'not_found'; readonly missing: 'user' | 'role' | 'project' };
/** `last_owner`: an organization always keeps one active person who is Owner. */
export type UnassignOutcome =
  | { readonly outcome: 'done'; readonly changed: boolean }
  | { readonly outcome: 'last_owner' };

export interface AssignmentMethods {
  /** Lists what a user holds. */
  assignmentsOf(userId: string): Promise<Assignment[]>;
  /** Lists who holds something on a project itself; assignments on the organization are not among them. */
  assignmentsOn(projectId: string): Promise<Assignment[]>;
  /** Gives a user a role; idempotent. */
  assign(actor: Actor, assignment: Assignment): Promise<AssignOutcome>;
  /** Takes a role from a user; idempotent. */
  unassign(actor: Actor, assignment: Assignment): Promise<UnassignOutcome>;
}

/** Makes the part of the user store that keeps role assignments. */
export function assignmentMethods(
  { clock, changes }: { clock: Clock; changes: ChangeLog },
  db: Kysely<Database>,
  transact: Store['transact'],
): AssignmentMethods {
  return {
    async assignmentsOf(userId) {
      // role_assignments_once by its first column
      return (
        await db.selectFrom('role_assignments').selectAll().where('user_id', '=', userId).execute()
      ).map(toAssignment);
    },
    async assignmentsOn(projectId) {
      // role_assignments_by_project
      return (
        await db.selectFrom('role_assignments').selectAll().where('project_id', '=', projectId).execute()
      ).map(toAssignment);
    },
    assign: (actor, assignment) =>
      transact(async (trx) => {
        const missing = await whatIsMissing(trx, assignment);
        if (missing) return { outcome: 'not_found', missing };
        const now = clock.now();
        // role_assignments_once refuses a second one
        const inserted = await trx
          .insertInto('role_assignments')
          .values({
            user_id: assignment.userId,
            role_id: assignment.roleId,
            project_id: assignment.projectId,
            created_at: now,
          })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst();
        if (inserted.numInsertedOrUpdatedRows === 0n) return { outcome: 'done', changed: false };
        await touchUser(trx, assignment.userId, now);
        await changes.record(trx, actor, {
          subject: 'user',
          id: assignment.userId,
          action: 'role_assigned',
          after: { role: assignment.roleId, project: assignment.projectId },
        });
        return { outcome: 'done', changed: true };
      }),
    unassign: (actor, assignment) =>
      transact(async (trx) => {
        if (assignment.projectId === null && (await isOwnerRole(trx, assignment.roleId))) {
          await takeOwnersTurn(trx);
          if (await isLastOwner(trx, assignment.userId)) return { outcome: 'last_owner' };
        }
        // role_assignments_once by its first two columns
        const removed = await trx
          .deleteFrom('role_assignments')
          .where('user_id', '=', assignment.userId)
          .where('role_id', '=', assignment.roleId)
          .where('project_id', assignment.projectId === null ? 'is' : '=', assignment.projectId)
          .executeTakeFirst();
        if (removed.numDeletedRows === 0n) return { outcome: 'done', changed: false };
        await touchUser(trx, assignment.userId, clock.now());
        await changes.record(trx, actor, {
          subject: 'user',
          id: assignment.userId,
          action: 'role_unassigned',
          before: { role: assignment.roleId, project: assignment.projectId },
        });
        return { outcome: 'done', changed: true };
      }),
  };
}

type Row = { user_id: string; role_id: string; project_id: string | null };

const toAssignment = ({ user_id, role_id, project_id }: Row): Assignment => ({
  userId: user_id,
  roleId: role_id,
  projectId: project_id,
});

async function whatIsMissing(trx: Kysely<Database>, { userId, roleId, projectId }: Assignment) {
  // each by its primary key
  const user = await trx.selectFrom('users').select('id').where('id', '=', userId).executeTakeFirst();
  if (!user) return 'user';
  const role = await trx.selectFrom('roles').select('id').where('id', '=', roleId).executeTakeFirst();
  if (!role) return 'role';
  if (projectId === null) return undefined;
  const project = await trx
    .selectFrom('projects')
    .select('id')
    .where('id', '=', projectId)
    .executeTakeFirst();
  return project ? undefined : 'project';
}

async function isOwnerRole(trx: Kysely<Database>, roleId: string): Promise<boolean> {
  // roles by primary key
  const role = await trx.selectFrom('roles').select('slug').where('id', '=', roleId).executeTakeFirst();
  return role?.slug === ownerSlug;
}

async function touchUser(trx: Kysely<Database>, userId: string, now: number): Promise<void> {
  // users by primary key
  await trx
    .updateTable('users')
    .set((row) => ({ version: row('version', '+', 1), updated_at: now }))
    .where('id', '=', userId)
    .execute();
}
