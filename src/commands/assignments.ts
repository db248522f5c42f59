import { type Answer, done, refused, usage } from './answer.ts';
import { findUser, noSuchUser } from './find-user.ts';
import type { Workspace } from './workspace.ts';

/** Where a role is held. */
export interface AssignmentPlace {
  readonly project?: string;
  readonly organization?: boolean;
  readonly role?: string;
}

/** `assignments add` */
export async function addAssignment(
  workspace: Workspace,
  named: string,
  place: AssignmentPlace,
): Promise<Answer> {
  const { users, actor } = workspace;
  const target = await findTarget(workspace, named, place);
  if ('outcome' in target) return target;
  const { user, projectId, where, roles } = target;
  if (roles === undefined) return usage(`say which role with --role: ${await roleSlugs(workspace)}`);
  const [role] = roles;
  if (!role) return refused(`there is no role ${place.role}; there are ${await roleSlugs(workspace)}`);
  const result = await users.assign(actor, { userId: user.id, roleId: role.id, projectId });
  if (result.outcome === 'not_found') return refused(`the ${result.missing} is gone`);
  const verb = result.changed ? 'is now' : 'was already';
  return done(
    { user: user.email, role: role.slug, project: place.project ?? null, changed: result.changed },
    `${user.email} ${verb} ${role.name} on ${where}`,
  );
}

/** `assignments remove` */
export async function removeAssignment(
  workspace: Workspace,
  named: string,
  place: AssignmentPlace,
): Promise<Answer> {
  const { users, actor, store } = workspace;
  const target = await findTarget(workspace, named, place);
  if ('outcome' in target) return target;
  const { user, projectId, where, roles } = target;
  if (roles?.length === 0)
    return refused(`there is no role ${place.role}; there are ${await roleSlugs(workspace)}`);
  const held = (await users.assignmentsOf(user.id)).filter(
    (one) =>
      one.projectId === projectId && (roles === undefined || roles.some(({ id }) => id === one.roleId)),
  );
  const slugs = new Map((await workspace.roles.list()).map(({ id, slug }) => [id, slug]));
  // All of them or none: whoever is kept as last Owner keeps everything.
  const removed = await store
    .transact(async (trx) => {
      const gone: string[] = [];
      for (const assignment of held) {
        const result = await users.within(trx).unassign(actor, assignment);
        if (result.outcome === 'last_owner') throw new LastOwner();
        if (result.changed) gone.push(slugs.get(assignment.roleId) ?? assignment.roleId);
      }
      return gone;
    })
    .catch((error: unknown) => {
      if (error instanceof LastOwner) return undefined;
      throw error;
    });
  if (!removed) return refused(`${user.email} is the last active Owner: make somebody else Owner first`);
  const text =
    removed.length > 0
      ? `${user.email} is no longer ${removed.join(', ')} on ${where}`
      : `${user.email} had nothing of that on ${where}`;
  return done(
    { user: user.email, project: place.project ?? null, removed, changed: removed.length > 0 },
    text,
  );
}

/** Rolls a removal back. */
class LastOwner extends Error {
  override readonly name = 'LastOwner';
}

/** Resolves user, project and role; `roles` is empty for an unknown role and undefined when none was named. */
async function findTarget({ users, projects, roles }: Workspace, named: string, place: AssignmentPlace) {
  if ((place.project === undefined) === (place.organization !== true)) {
    return usage('say where: either --project SLUG or --organization');
  }
  const user = await findUser(users, named);
  if (!user) return refused(noSuchUser(named));
  const project = place.project === undefined ? undefined : await projects.findBySlug(place.project);
  if (place.project !== undefined && !project) return refused(`there is no project ${place.project}`);
  const role = place.role === undefined ? undefined : await roles.findBySlug(place.role);
  return {
    user,
    projectId: project?.id ?? null,
    where: project?.slug ?? 'the organization',
    roles: place.role === undefined ? undefined : role ? [role] : [],
  };
}

async function roleSlugs({ roles }: Workspace): Promise<string> {
  return (await roles.list()).map(({ slug }) => slug).join(', ');
}
