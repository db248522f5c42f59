/** A person who signs in through a balancer: each request of theirs may be another node's. */
import { createCookieJar } from './cookie-jar.ts';
import { readHtml } from './html.ts';
import { formOf } from './http.ts';
import { demo } from './mandate.ts';
import { anAddress } from './race.ts';
import type { Answer, SendOptions } from './raw-request.ts';

/**
 * Opens the page, gives the password, and looks whether the session that comes of it is one.
 * @param send to whichever node the balancer chooses; nodes have to trust one proxy in front of them
 * @throws Error that says which step was answered otherwise
 */
export async function signInThrough(
  send: (path: string, options?: SendOptions) => Promise<Answer>,
  issuer: string,
  email: string,
): Promise<void> {
  const jar = createCookieJar();
  const from = anAddress();
  const ask = async (path: string, body?: URLSearchParams): Promise<Answer> => {
    const cookie = jar.headerFor(path);
    const headers = {
      'x-forwarded-for': from,
      ...(cookie && { cookie }),
      ...(body && { origin: issuer, 'sec-fetch-site': 'same-origin' }),
    };
    const answer = await send(path, { headers, ...(body && { body }) });
    const kept = new Headers();
    for (const line of answer.headers['set-cookie'] ?? []) kept.append('set-cookie', line);
    jar.keep(kept, path);
    return answer;
  };
  const expectStatus = (step: string, { status, text }: Answer, wanted: number) => {
    if (status !== wanted) throw new Error(`${step}: ${status} ${readHtml(text).text.slice(0, 200)}`);
  };

  const shown = await ask('/sign-in');
  expectStatus('the sign-in page', shown, 200);
  const page = { ...readHtml(shown.text), url: `${issuer}/sign-in`, status: 200, headers: new Headers() };
  const { target, fields } = formOf({ ...page, body: shown.text, location: undefined }, 'Sign in', {
    Email: email,
    Password: demo.password,
  });
  expectStatus('a sign-in', await ask(target.pathname, fields), 303);
  expectStatus('a page of somebody signed in', await ask('/account/authorizations'), 200);
}
