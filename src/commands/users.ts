import type { User } from '../directory/user-store.ts';
import { type Answer, done, refused } from './answer.ts';
import { findUser, noSuchUser } from './find-user.ts';
import { shownInstant, table } from './table.ts';
import type { Workspace } from './workspace.ts';

/** `users list` */
export async function listUsers(
  { users }: Workspace,
  query: { search?: string; kind?: User['kind']; limit: number; after?: string },
): Promise<Answer> {
  // One more than asked for tells whether there is another page.
  const found = await users.list({ ...query, limit: query.limit + 1 });
  const page = found.slice(0, query.limit);
  const next = found.length > page.length ? (page.at(-1)?.id ?? null) : null;
  const rows = page.map((user) => [
    user.id,
    user.email,
    user.name,
    user.kind,
    user.status,
    shownInstant(user.createdAt),
  ]);
  const text = table([['ID', 'EMAIL', 'NAME', 'KIND', 'STATUS', 'CREATED'], ...rows]);
  return done(
    { users: page.map(userDocument), next },
    next === null ? text : `${text}\nmore: --after ${next}`,
  );
}

/** `users suspend` */
export async function suspendUser({ users, actor }: Workspace, named: string): Promise<Answer> {
  const user = await findUser(users, named);
  if (!user) return refused(noSuchUser(named));
  const result = await users.suspend(actor, user.id);
  if (result.outcome === 'last_owner') {
    return refused(`${user.email} is the last active Owner: make somebody else Owner first`);
  }
  if (result.outcome === 'not_found') return refused(noSuchUser(named));
  const text = result.changed ? `suspended ${user.email}` : `${user.email} was suspended already`;
  return done({ user: { ...userDocument(user), status: 'suspended' }, changed: result.changed }, text);
}

/** `users resume` */
export async function resumeUser({ users, actor }: Workspace, named: string): Promise<Answer> {
  const user = await findUser(users, named);
  if (!user) return refused(noSuchUser(named));
  const result = await users.resume(actor, user.id);
  if (result.outcome === 'not_found') return refused(noSuchUser(named));
  const text = result.changed ? `resumed ${user.email}` : `${user.email} was active already`;
  return done({ user: { ...userDocument(user), status: 'active' }, changed: result.changed }, text);
}

const userDocument = ({ id, kind, email, name, status, createdAt }: User) => ({
  id,
  kind,
  email,
  name,
  status,
  created_at: createdAt,
});
