import { type Answer, done } from './answer.ts';
import { freshLogin } from './fresh-login.ts';
import { harmless } from './harmless.ts';
import { type Identity, identityOf } from './identity.ts';
import { loginEnded, loginIssuerOf, notLoggedIn, type PersonWorkspace } from './person-workspace.ts';
import { table } from './table.ts';

/** `whoami`: who is logged in, and what this login may do. Asks the server, so that it is what holds now. */
export async function whoami(workspace: PersonWorkspace, options: { issuer?: string }): Promise<Answer> {
  const issuer = await loginIssuerOf(workspace, options.issuer);
  if (typeof issuer !== 'string') return issuer;
  const fresh = await freshLogin(workspace, issuer, { renew: true });
  switch (fresh.outcome) {
    case 'not_logged_in':
      return notLoggedIn(issuer);
    case 'ended':
      return loginEnded(issuer, fresh.reason);
    case 'ready': {
      const identity = identityOf(fresh.login);
      return done(identity, describe(identity));
    }
  }
}

/** Writes down who somebody is and what their login reaches. Pure. */
export function describe({ user, issuer, capabilities, projects, mcp_servers }: Identity): string {
  const person = user.email ?? user.sub ?? 'somebody';
  const named = user.name === null ? person : `${user.name} <${person}>`;
  const parts = [
    harmless(`${named} at ${issuer}`),
    `capabilities: ${harmless(capabilities.join(' ')) || 'none'}`,
    projects.length === 0
      ? 'projects: none'
      : table([
          ['PROJECT', 'ROLES', 'MAY'],
          ...projects.map(({ id, slug, roles, actions }) => [
            slug ?? id ?? '-',
            roles.join(' ') || '-',
            actions.join(' ') || '-',
          ]),
        ]),
  ];
  if (mcp_servers.length > 0) {
    const rows = mcp_servers.map(({ id, resource, actions }) => [
      resource ?? id ?? '-',
      actions.join(' ') || '-',
    ]);
    parts.push(table([['MCP SERVER', 'MAY'], ...rows]));
  }
  return parts.join('\n');
}
