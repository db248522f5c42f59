import type { Assignment } from '../directory/assignments.ts';
import { checkNewPassword, type PasswordProblem, shortestPassword } from '../directory/new-password.ts';
import { longestPassword, type Passwords } from '../directory/passwords.ts';
import type { UserStore } from '../directory/user-store.ts';
import { difference, ImportRefused, listDifference } from './import-diff.ts';
import { type ImportRun, verb } from './import-steps.ts';
import type { OrganizationFile, UserEntry } from './organization-file.ts';

/** What is known about the password of a listed user, found out before the transaction because hashing takes its time. */
export type PreparedPassword = { readonly matches: string } | { readonly fresh: string };

/** E-mail address as the file writes it → what to do about its password. */
export type PreparedPasswords = ReadonlyMap<string, PreparedPassword>;

/** Why a new password is not taken, as the end of a sentence. */
const passwordProblems: Readonly<Record<PasswordProblem, string>> = {
  too_short: `has fewer than ${shortestPassword} characters`,
  too_long: `is longer than ${longestPassword} bytes`,
  common: 'is among the first that somebody would guess',
  names_account: 'is little else than the name or the address',
};

/**
 * Hashes the passwords of a file, except those that are their user's already.
 * @throws ImportRefused naming everybody whose new password must not be kept; never the password
 */
export async function preparePasswords(
  file: OrganizationFile,
  users: Pick<UserStore, 'findByEmail'>,
  passwords: Passwords,
): Promise<PreparedPasswords> {
  const prepared = new Map<string, PreparedPassword>();
  const problems: string[] = [];
  for (const { email, name, password } of file.users) {
    if (password === undefined) continue;
    const hash = (await users.findByEmail(email))?.passwordHash;
    const known = hash != null && (await passwords.verify(hash, password));
    const problem = known ? undefined : checkNewPassword(password, { email, name });
    if (problem) problems.push(`user ${email}: the password ${passwordProblems[problem]}`);
    // Nothing is hashed in vain.
    else if (problems.length === 0)
      prepared.set(email, known ? { matches: hash } : { fresh: await passwords.hash(password) });
  }
  if (problems.length > 0) throw new ImportRefused(problems.join('\n'));
  return prepared;
}

/**
 * Makes and changes users, then their assignments: first every one that is gained, then every one that is lost, so that
 * ownership can move from one person to another in one file.
 */
export async function importUsers(
  run: ImportRun,
  file: OrganizationFile,
  prepared: PreparedPasswords,
): Promise<void> {
  const listed: Listed[] = [];
  for (const entry of file.users) listed.push(await saveUser(run, entry, prepared.get(entry.email)));
  for (const user of listed) await gain(run, user);
  for (const user of listed) await lose(run, user);
  for (const { entry, created, details } of listed) {
    const action = created ? 'create' : verb(details.length > 0);
    run.entries.push({ subject: 'user', name: entry.email, action, details });
  }
}

/** A user of the file on its way. */
interface Listed {
  readonly entry: UserEntry;
  readonly id: string;
  readonly created: boolean;
  readonly suspended: boolean;
  /** `role` or `role on project`, as the details say it → the assignment. */
  readonly before: ReadonlyMap<string, Assignment>;
  /** Undefined: the file says nothing about this user's assignments. */
  readonly after: ReadonlyMap<string, Assignment> | undefined;
  readonly details: string[];
}

async function saveUser(
  run: ImportRun,
  entry: UserEntry,
  prepared: PreparedPassword | undefined,
): Promise<Listed> {
  const { email, kind, name } = entry;
  const before = await run.users.findByEmail(email);
  if (before && before.kind !== kind)
    throw new ImportRefused(`user ${email}: is a ${before.kind}, not a ${kind}`);
  const fresh = prepared && 'fresh' in prepared ? { passwordHash: prepared.fresh } : {};
  if (before && prepared && 'matches' in prepared && prepared.matches !== before.passwordHash) {
    throw new ImportRefused(`user ${email}: the password was changed meanwhile`);
  }
  const details = before
    ? [...difference('name', before.name, name), ...difference('email', before.email, email)]
    : [];
  if (before && 'passwordHash' in fresh) details.push('password');
  let id = before?.id;
  if (id === undefined) {
    const made = await run.users.create(run.actor, { kind, email, name, ...fresh });
    if (made.outcome !== 'created') throw new ImportRefused(`user ${email}: somebody else has this address`);
    id = made.user.id;
  } else {
    await run.users.update(run.actor, id, { email, name, ...fresh });
  }
  const held = before ? await heldBy(run, id) : new Map<string, Assignment>();
  const wanted = entry.roles || entry.projects ? await wantedFor(run, entry, id) : undefined;
  if (wanted) details.push(...listDifference('role', [...held.keys()], [...wanted.keys()]));
  return {
    entry,
    id,
    created: !before,
    suspended: before?.status === 'suspended',
    before: held,
    after: wanted,
    details,
  };
}

async function gain(run: ImportRun, user: Listed): Promise<void> {
  for (const [label, assignment] of user.after ?? []) {
    if (!user.before.has(label)) await run.users.assign(run.actor, assignment);
  }
  if (user.entry.status === 'active' && user.suspended) {
    await run.users.resume(run.actor, user.id);
    user.details.push('resume');
  }
}

async function lose(run: ImportRun, { entry, id, suspended, before, after, details }: Listed): Promise<void> {
  const refused = `user ${entry.email}: the organization would be left without an active Owner`;
  for (const [label, assignment] of before) {
    if (!after || after.has(label)) continue;
    const { outcome } = await run.users.unassign(run.actor, assignment);
    if (outcome === 'last_owner') throw new ImportRefused(refused);
  }
  if (entry.status === 'suspended' && !suspended) {
    const { outcome } = await run.users.suspend(run.actor, id);
    if (outcome === 'last_owner') throw new ImportRefused(refused);
    details.push('suspend');
  }
}

async function heldBy(run: ImportRun, userId: string): Promise<Map<string, Assignment>> {
  const held = new Map<string, Assignment>();
  for (const assignment of await run.users.assignmentsOf(userId)) {
    const role = await run.roles.find(assignment.roleId);
    const project = assignment.projectId === null ? undefined : await run.projects.find(assignment.projectId);
    held.set(labelOf(role?.slug ?? assignment.roleId, project?.slug), assignment);
  }
  return held;
}

async function wantedFor(run: ImportRun, entry: UserEntry, userId: string): Promise<Map<string, Assignment>> {
  const wanted = new Map<string, Assignment>();
  const add = async (roleSlug: string, projectSlug?: string) => {
    const role = await run.roles.findBySlug(roleSlug);
    if (!role) throw new ImportRefused(`user ${entry.email}: there is no role ${roleSlug}`);
    const project = projectSlug === undefined ? undefined : await run.projects.findBySlug(projectSlug);
    if (projectSlug !== undefined && !project) {
      throw new ImportRefused(`user ${entry.email}: there is no project ${projectSlug}`);
    }
    wanted.set(labelOf(roleSlug, projectSlug), { userId, roleId: role.id, projectId: project?.id ?? null });
  };
  for (const role of entry.roles ?? []) await add(role);
  for (const [project, roles] of Object.entries(entry.projects ?? {})) {
    for (const role of roles) await add(role, project);
  }
  return wanted;
}

const labelOf = (role: string, project: string | undefined) =>
  project === undefined ? role : `${role} on ${project}`;
