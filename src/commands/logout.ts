import { type Answer, done, refused } from './answer.ts';
import { discover, errorOf, postForm, ServerProblem } from './authorization-server.ts';
import type { Login } from './login-store.ts';
import { loginIssuerOf, notLoggedIn, type PersonWorkspace } from './person-workspace.ts';

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
    const problem = await revoke(login);
    if (problem)
      return refused(
        `you are still logged in, because ${problem}. \`logout --local\` forgets the login all the same`,
      );
    await logins.remove(issuer);
    return done({ issuer, revoked: true }, `logged out of ${issuer}`);
  });
}

/** @returns why it could not be revoked; a token that is unknown there counts as revoked (RFC 7009 section 2.2) */
async function revoke({
  issuer,
  client_id,
  refresh_token,
  access_token,
}: Login): Promise<string | undefined> {
  try {
    const { revocation } = await discover(issuer);
    if (!revocation) return `${issuer} revokes no tokens`;
    const answer = await postForm(revocation, { client_id, token: refresh_token ?? access_token });
    return answer.status === 200 ? undefined : errorOf(answer);
  } catch (error) {
    if (error instanceof ServerProblem) return error.message;
    throw error;
  }
}
