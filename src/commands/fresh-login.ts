/** A login whose access token can be used: the kept one, or a new one in its place. */
import type { Clock } from '../clock.ts';
import { discover, errorOf, postForm } from './authorization-server.ts';
import type { Login, LoginStore } from './login-store.ts';
import { readTokenAnswer } from './token-answer.ts';

export type FreshLogin =
  | { readonly outcome: 'ready'; readonly login: Login }
  | { readonly outcome: 'not_logged_in' }
  /** Nothing new is given. The reason is one clause. */
  | { readonly outcome: 'ended'; readonly reason: string };

/** A token that ends sooner than this would end on its way. */
const marginSeconds = 60;

/**
 * Finds a login that can be used, refreshing it where its access token is about to expire.
 * @param renew refreshes all the same, so that what the token says is what holds now
 * @throws ServerProblem when the server cannot be reached
 * @see RFC 6749 section 6
 */
export async function freshLogin(
  { logins, clock }: { logins: LoginStore; clock: Clock },
  issuer: string,
  { renew = false }: { renew?: boolean } = {},
): Promise<FreshLogin> {
  const lasts = ({ expires_at }: Login) => expires_at - clock.now() > marginSeconds;
  const kept = await logins.read(issuer);
  if (!kept) return { outcome: 'not_logged_in' };
  if (!kept.refresh_token) {
    return kept.expires_at > clock.now()
      ? { outcome: 'ready', login: kept }
      : { outcome: 'ended', reason: 'the token has expired' };
  }
  if (lasts(kept) && !renew) return { outcome: 'ready', login: kept };

  return logins.alone(issuer, async (): Promise<FreshLogin> => {
    const current = await logins.read(issuer);
    if (!current) return { outcome: 'not_logged_in' };
    // Another process was here while this one waited.
    if (current.access_token !== kept.access_token && lasts(current))
      return { outcome: 'ready', login: current };
    const { token } = await discover(issuer);
    const fields = { grant_type: 'refresh_token', client_id: current.client_id };
    const answer = await postForm(token, { ...fields, refresh_token: current.refresh_token });
    if (answer.status >= 400 && answer.status < 500) return { outcome: 'ended', reason: errorOf(answer) };
    const login = readTokenAnswer(answer, clock.now(), current);
    await logins.write(login);
    return { outcome: 'ready', login };
  });
}
