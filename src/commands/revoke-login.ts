import { discover, errorOf, postForm, ServerProblem } from './authorization-server.ts';
import type { Login } from './login-store.ts';

/**
 * Ends the authorization of a login at its server.
 * @returns why it could not be ended; a token that is unknown there counts as revoked
 * @see RFC 7009 sections 2.1 and 2.2
 */
export async function revokeLogin({
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
