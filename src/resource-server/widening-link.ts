import type { ActiveIntrospection } from './introspection.ts';
import { mcpServerAt, projectAccess, type Requirement, scopesOf } from './verdict.ts';

/**
 * Writes the address of the page at which a token's owner can add what it lacks: the missing items are chosen there, and nothing changes
 * before the owner saves. It names no more than what was required. Pure.
 *
 * @param resource - the URL of the resource that is asked
 * @returns undefined when the answer does not say who its issuer is
 */
export function wideningLink(
  authorization: ActiveIntrospection,
  resource: string,
  requirement: Requirement,
): string | undefined {
  const { iss, authorization_id: id } = authorization;
  if (iss === undefined || !URL.canParse(iss)) return undefined;
  const { capability, project, mcpServer, scopes = [] } = requirement;
  const held = scopesOf(authorization);
  const access = project === undefined ? undefined : projectAccess(authorization, project);
  const lacksCapability =
    capability !== undefined &&
    (project === undefined ? !held.includes(capability) : !access?.actions.includes(capability));
  const lacksServer = mcpServer === true && !mcpServerAt(authorization, resource)?.actions.includes('mcp');
  const missing = new Set([
    ...(lacksServer && !held.includes('mcp') ? ['mcp'] : []),
    ...scopes.filter((scope) => !held.includes(scope)),
    ...(lacksCapability ? [capability] : []),
  ]);
  const query = new URLSearchParams();
  if (missing.size > 0) query.set('add', [...missing].join(' '));
  if (project !== undefined && (access === undefined || lacksCapability)) query.set('project', project);
  if (lacksServer) query.set('mcp_server', resource);
  return `${iss.replace(/\/$/, '')}/account/authorizations/${encodeURIComponent(id)}?${query}`;
}
