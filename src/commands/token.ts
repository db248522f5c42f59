import { type Answer, done } from './answer.ts';
import { freshLogin } from './fresh-login.ts';
import { loginEnded, loginIssuerOf, notLoggedIn, type PersonWorkspace } from './person-workspace.ts';

/** `token`: an access token that can be used, and nothing else, so that it can stand inside another command. */
export async function printToken(workspace: PersonWorkspace, options: { issuer?: string }): Promise<Answer> {
  const issuer = await loginIssuerOf(workspace, options.issuer);
  if (typeof issuer !== 'string') return issuer;
  const fresh = await freshLogin(workspace, issuer);
  switch (fresh.outcome) {
    case 'not_logged_in':
      return notLoggedIn(issuer);
    case 'ended':
      return loginEnded(issuer, fresh.reason);
    case 'ready': {
      const { access_token, expires_at, scope } = fresh.login;
      return done({ issuer, access_token, token_type: 'Bearer', expires_at, scope }, access_token);
    }
  }
}
