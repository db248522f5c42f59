import { type Answer, done, refused } from './answer.ts';
import { loginIssuerOf, notLoggedIn, type PersonWorkspace } from './person-workspace.ts';
import { revokeLogin } from './revoke-login.ts';

/** `logout`: ends the authorization at the server, then forgets the login. */
export async function logout(
  workspace: PersonWorkspace,
  options: { issuer?: string; local?: boolean },
): Promise<Answer> {
  const { logins } = workspace;
  const issuer = await loginIssuerOf(workspace, options.issuer);
  if (typeof issuer !== 'string') return issuer;
  if (options.local) {
    await logins.remove(issuer);
    return done({ issuer, revoked: false }, `forgot the login to ${issuer}; the server was not told`);
  }
  if (!(await logins.read(issuer))) return notLoggedIn(issuer);
  // No refresh may be on its way: its successor would live on.
  return logins.alone(issuer, async () => {
    const login = await logins.read(issuer);
    if (!login) return notLoggedIn(issuer);
    const problem = await revokeLogin(login);
    if (problem)
      return refused(
        `you are still logged in, because ${problem}. \`logout --local\` forgets the login all the same`,
      );
    await logins.remove(issuer);
    return done({ issuer, revoked: true }, `logged out of ${issuer}`);
  });
}
