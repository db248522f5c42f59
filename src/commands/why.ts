import { createAuthorizationRights } from '../oauth/authorization-rights.ts';
import type { Bound } from '../policy/vocabulary.ts';
import { type DecidingRule, why } from '../policy/why.ts';
import { type Answer, done, refused } from './answer.ts';
import type { Workspace } from './workspace.ts';

/** `why`: whether an authorization may do something at this moment, and which clause of the rule says so. */
export async function explain(
  workspace: Workspace,
  asked: { authorization: string; capability: string; place: string | undefined },
): Promise<Answer> {
  const rights = await createAuthorizationRights(workspace).of(asked.authorization);
  if (!rights) return refused(`there is no authorization ${asked.authorization}`);
  const bound = workspace.catalogue.get(asked.capability)?.bound;
  const place =
    asked.place === undefined || bound === undefined
      ? undefined
      : await findPlace(workspace, bound, asked.place);
  if (typeof place === 'string') return refused(place);
  const question = { capability: asked.capability, on: place?.id };
  const { allowed, rule } = why(question, rights.granted, rights.effective, rights.world);
  const { id, version } = rights.authorization;
  const where = place ? ` on ${place.name}` : '';
  return done(
    {
      allowed,
      rule,
      authorization_id: id,
      authorization_version: version,
      username: rights.owner.user.email,
      capability: asked.capability,
      on: place?.id ?? null,
    },
    `${allowed ? 'yes' : 'no'}: ${id} ${allowed ? 'may' : 'may not'} ${asked.capability}${where}: ${sentences[rule]} (${rule})`,
  );
}

/** Finds what somebody names, of the kind at which the capability is bounded. @returns a complaint when there is none */
async function findPlace(
  { projects, mcpServers }: Workspace,
  bound: Bound,
  named: string,
): Promise<{ id: string; name: string } | string> {
  switch (bound) {
    case 'organization':
      return 'this capability holds for the organization as a whole: leave the project or server out';
    case 'project': {
      const project = (await projects.findBySlug(named)) ?? (await projects.find(named));
      return project ? { id: project.id, name: project.slug } : `there is no project ${named}`;
    }
    case 'mcp_server':
      return (
        (await mcpServers.findByName(named)) ??
        (await mcpServers.findByResource(named)) ??
        (await mcpServers.find(named)) ??
        `there is no MCP server ${named}`
      );
  }
}

/** Says what a rule means; a server that is newer may have others. Pure. */
export const ruleSentence = (rule: string): string =>
  (sentences as Readonly<Record<string, string>>)[rule] ?? 'another rule decides';

const sentences: Readonly<Record<DecidingRule, string>> = {
  holds: 'it was granted, and its owner holds it',
  implied: 'it comes with a capability that holds',
  unknown_capability: 'the catalogue has no such capability',
  suspended: 'the authorization is suspended',
  revoked: 'the authorization was revoked',
  expired: 'the authorization has expired',
  not_granted: 'it was not granted',
  place_needed: 'it is bounded at a project or an MCP server, and none was named',
  not_picked: 'it was granted, and not for this place',
  owner_suspended: 'the owner is suspended',
  owner_lost_access: 'the owner has no access there now',
  role_capped: 'no role picked for this project holds it',
  capability_not_held: 'the owner does not hold it now',
  project_deleted: 'the project is gone',
  mcp_server_disabled: 'the MCP server is disabled or gone',
  policy: 'a policy of the organization forbids it',
  approval_pending: 'it waits for an administrator to approve it',
  parent_lacks: 'it was handed on, and the authorization that it came from does not hold it now',
};
