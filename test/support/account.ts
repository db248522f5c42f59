/** A person at their own pages, as tests play them: signed in without a tool, driven by what they read. */
import { type BrowserlessClient, createBrowserlessClient, type Page } from './http.ts';
import { demo } from './mandate.ts';

/** Signs a person in at `/sign-in`. @returns a client that has their session */
export async function signIn(issuer: string, email: string): Promise<BrowserlessClient> {
  const client = createBrowserlessClient(issuer);
  const form = await client.get('/account/authorizations', { follow: true });
  const page = await client.submit(
    form,
    'Sign in',
    { Email: email, Password: demo.password },
    { follow: true },
  );
  if (!page.url.endsWith('/account/authorizations')) throw new Error(`not signed in: ${page.text}`);
  return client;
}

/** What a person fills in to make an API key: labels → answers. */
export type KeyAnswers = Readonly<Record<string, string | boolean>>;

/** Makes an API key on the page. @returns the page that answers, and the secret if it shows one */
export async function createKey(
  client: BrowserlessClient,
  answers: KeyAnswers,
  owner?: string,
): Promise<{ page: Page; secret: string; id: string }> {
  const address = owner ? `/account/api-keys/new?owner=${owner}` : '/account/api-keys/new';
  const page = await client.submit(await client.get(address), 'Create key', answers);
  const secret = /mk_[0-9A-Za-z]{49}/.exec(page.body)?.[0] ?? '';
  const id = /\/account\/authorizations\/(az_[0-9a-z]+)/.exec(page.body)?.[1] ?? '';
  return { page, secret, id };
}
