/** `assignments` at the API: roles given and taken, for people and service accounts alike. */
import { z } from 'zod';
import { type AdministrationApi, ApiRefusal } from './administration-api.ts';
import { NotUnderstood } from './administration-options.ts';
import { type Answer, done } from './answer.ts';
import type { AssignmentPlace } from './assignments.ts';
import type { References } from './references.ts';

const heldSchema = z.object({ id: z.string(), slug: z.string() });
const accountSchema = z.object({
  id: z.string(),
  kind: z.enum(['person', 'service_account']),
  email: z.string(),
  roles: z.array(heldSchema),
  projects: z.array(z.object({ id: z.string(), slug: z.string(), roles: z.array(heldSchema) })),
});

/** Gives a role. @throws ApiRefusal, NotUnderstood */
export async function addAssignmentAt(
  api: AdministrationApi,
  references: References,
  named: string,
  place: AssignmentPlace,
): Promise<Answer> {
  const { account, path, project } = await targetOf(api, references, named, place);
  if (place.role === undefined) throw new NotUnderstood('say which role with --role');
  const roleId = await references.idOf({ kind: 'role', name: place.role });
  const body = { role_id: roleId, project_id: project };
  await api.call('post', `${path}/assignments`, { body });
  return done(
    { user: account.email, role: place.role, project: place.project ?? null },
    `${account.email} is now ${place.role} on ${place.project ?? 'the organization'}`,
  );
}

/** Takes a role, or every role there. @throws ApiRefusal, NotUnderstood */
export async function removeAssignmentAt(
  api: AdministrationApi,
  references: References,
  named: string,
  place: AssignmentPlace,
): Promise<Answer> {
  const { account, path, project } = await targetOf(api, references, named, place);
  const there =
    project === null ? account.roles : (account.projects.find(({ id }) => id === project)?.roles ?? []);
  const roleId =
    place.role === undefined ? undefined : await references.idOf({ kind: 'role', name: place.role });
  const gone = there.filter(({ id }) => roleId === undefined || id === roleId);
  for (const { id } of gone) {
    await api.call('delete', `${path}/assignments/${id}`, {
      query: project === null ? {} : { project_id: project },
    });
  }
  const removed = gone.map(({ slug }) => slug);
  const where = place.project ?? 'the organization';
  return done(
    { user: account.email, project: place.project ?? null, removed, changed: removed.length > 0 },
    removed.length > 0
      ? `${account.email} is no longer ${removed.join(', ')} on ${where}`
      : `${account.email} had nothing of that on ${where}`,
  );
}

async function targetOf(
  api: AdministrationApi,
  references: References,
  named: string,
  place: AssignmentPlace,
) {
  if ((place.project === undefined) === (place.organization !== true)) {
    throw new NotUnderstood('say where: either --project SLUG or --organization');
  }
  const id = await references.idOf({ kind: 'user', name: named });
  const project =
    place.project === undefined ? null : await references.idOf({ kind: 'project', name: place.project });
  const path = await pathOf(api, id);
  const account = accountSchema.parse((await api.call('get', path)).document);
  return { account, path, project };
}

/** An id does not say which of the two it is. */
async function pathOf(api: AdministrationApi, id: string): Promise<string> {
  try {
    await api.call('get', `/users/${id}`);
    return `/users/${id}`;
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error;
    return `/service-accounts/${id}`;
  }
}
