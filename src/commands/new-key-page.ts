/**
 * `keys create` for oneself. A token never makes a credential for the person it acts for, so the command leads to the page where
 * they make it, filled in with what was typed: they are signed in there, see what it amounts to, and get the secret.
 */
import type { Clock } from '../clock.ts';
import { type Member, readValue } from './administration-options.ts';
import type { Typed } from './administration-request.ts';
import { type Answer, done } from './answer.ts';
import { openBrowser } from './open-browser.ts';
import { loginIssuerOf, type PersonWorkspace } from './person-workspace.ts';

/** Names of the form's fields in an address (`account/key-draft.ts` reads them). */
const parameters: Readonly<Record<string, string>> = {
  name: 'name',
  capabilities: 'capability',
  role_ids: 'role',
  projects: 'project',
  mcp_server_ids: 'mcp_server',
  lifetime_seconds: 'lifetime',
};

/** Shows where to make the key. @throws NotUnderstood */
export async function openNewKeyPage(
  workspace: PersonWorkspace,
  members: readonly Member[],
  typed: Typed,
  attributeOf: (flag: string) => string,
  clock: Clock,
): Promise<Answer> {
  const issuer = await loginIssuerOf(workspace, typed.issuer as string | undefined);
  if (typeof issuer !== 'string') return issuer;
  const address = new URL('/account/api-keys/new', issuer);
  for (const member of members) {
    const given = typed[attributeOf(member.flag)] as string | string[] | undefined;
    const parameter = parameters[member.name];
    if (given === undefined || parameter === undefined) continue;
    // What can be read is sent on as it was typed; a time in seconds.
    const value = readValue(member, given, clock);
    if (member.shape === 'duration')
      address.searchParams.set(parameter, value === null ? 'until_revoked' : String(value));
    else for (const one of [given].flat()) address.searchParams.append(parameter, one);
  }
  const { terminal, config } = workspace;
  if (typed.browser !== false && config.hasDisplay && terminal.columns !== undefined)
    openBrowser(address.href);
  return done(
    { address: address.href },
    `A key of your own is made by you, on its page, which shows the secret once. Open\n\n  ${address.href}\n`,
  );
}
