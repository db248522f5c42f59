import type { Authorization } from '../authorizations/authorization.ts';
import { standingUnder } from '../authorizations/handed-on.ts';
import { runningAdditions } from '../policy/additions.ts';
import type { Standing } from '../policy/vocabulary.ts';
import { type Answer, done, refused } from './answer.ts';
import { findUser, noSuchUser } from './find-user.ts';
import { shownInstant, table } from './table.ts';
import type { Workspace } from './workspace.ts';

const headings = ['ID', 'USER', 'TOOL', 'KIND', 'STATUS', 'CAPABILITIES', 'PROJECTS', 'SERVERS', 'EXPIRES'];

/** `authorizations list` */
export async function listAuthorizations(
  { authorizations, handedOn, users, clock }: Workspace,
  { user: named, limit, after }: { user?: string; limit: number; after?: string },
): Promise<Answer> {
  const user = named === undefined ? undefined : await findUser(users, named);
  if (named !== undefined && !user) return refused(noSuchUser(named));
  const found = await authorizations.list({
    limit: limit + 1,
    ...(user ? { userId: user.id } : {}),
    ...(after === undefined ? {} : { after }),
  });
  const page = found.slice(0, limit);
  const next = found.length > page.length ? (page.at(-1)?.id ?? null) : null;
  const emails = new Map<string, string>();
  for (const { userId } of page) {
    if (!emails.has(userId)) emails.set(userId, (await users.findById(userId))?.email ?? userId);
  }
  const now = clock.now();
  const above = await handedOn.above(page);
  const rows = page.map((one) => [
    one.id,
    emails.get(one.userId) ?? one.userId,
    one.name ?? one.clientId ?? '-',
    one.kind,
    standingUnder(one, above, now),
    one.followsOwner ? "its owner's" : one.capabilities.join(' ') || 'none',
    one.followsOwner ? '-' : String(one.projects.length),
    one.followsOwner ? '-' : String(one.mcpServers.length),
    shownInstant(one.expiresAt, 'never'),
  ]);
  const documents = page.map((one) =>
    authorizationDocument(one, emails.get(one.userId) ?? null, standingUnder(one, above, now), now),
  );
  const text = table([headings, ...rows]);
  return done({ authorizations: documents, next }, next === null ? text : `${text}\nmore: --after ${next}`);
}

/** `authorizations revoke` */
export async function revokeAuthorization({ authorizations, actor }: Workspace, id: string): Promise<Answer> {
  const result = await authorizations.revoke(actor, id);
  if (result.outcome === 'not_found') return refused(`there is no authorization ${id}`);
  return done(
    { id, status: 'revoked', changed: result.changed },
    result.changed ? `revoked ${id}` : `${id} was revoked already`,
  );
}

const authorizationDocument = (one: Authorization, email: string | null, status: Standing, now: number) => ({
  id: one.id,
  kind: one.kind,
  user_id: one.userId,
  username: email,
  client_id: one.clientId,
  parent_id: one.parentId,
  name: one.name,
  resource: one.resource,
  status,
  follows_owner: one.followsOwner,
  capabilities: one.capabilities,
  roles: one.roles,
  projects: one.projects,
  mcp_servers: one.mcpServers,
  additions: runningAdditions(one.additions, now),
  version: one.version,
  created_at: one.createdAt,
  expires_at: one.expiresAt,
  revoked_at: one.revokedAt,
});
