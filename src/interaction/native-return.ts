/**
 * The way back to a tool on a person's own computer (RFC 8252 section 7). A loopback redirect stays a bare redirect, as every SDK
 * expects, unless its person said that the tool runs on another computer; a private scheme gets a page, because a redirect that no
 * program answers leaves the person where they were, without a word.
 */
import type Koa from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { ClientStore } from '../clients/client-store.ts';
import type { PageWriter } from '../http/page-writer.ts';
import { type ClientFace, faceOf } from './client-face.ts';
import { factsOf } from './client-facts.ts';

/** What listens where a redirect URI leads. */
type Listener = 'website' | 'loopback' | 'program';

/** `hand-over.ejs`. */
export interface HandOverPage {
  readonly client: ClientFace;
  /** The scheme that the program answers to, with its colon. */
  readonly scheme: string;
  readonly address: string;
  readonly denied: boolean;
  /** Opens the program by itself, where scripts run. */
  readonly atOnce: boolean;
}

/** `return-by-hand.ejs`. */
export interface ReturnByHandPage {
  readonly address: string;
  /** Absent where the person denied. */
  readonly code?: string;
  /** A line for a terminal of the computer on which the tool runs. */
  readonly command: string;
}

/** Under this name an interaction's result says that its person carries the answer. */
export const returnsByHand = 'by_hand';

/** Tells what listens where a redirect URI leads. Pure. */
export function listenerAt(redirectUri: string): Listener {
  const url = URL.parse(redirectUri);
  if (!url || url.protocol === 'https:') return 'website';
  if (url.protocol !== 'http:') return 'program';
  return ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname) ? 'loopback' : 'website';
}

/** Builds the page that carries an answer to another computer by hand. Pure. */
export function buildReturnByHandPage(location: string): ReturnByHandPage {
  // Between apostrophes a shell reads everything as it stands.
  const address = location.replaceAll("'", '%27');
  const code = new URL(address).searchParams.get('code');
  return { address, ...(code !== null && { code }), command: `curl '${address}'` };
}

/** Makes the middleware that stands around the library and shows the pages in the place of its redirects. */
export function createNativeReturn({
  pages,
  clients,
}: {
  pages: PageWriter;
  clients: ClientStore;
}): Koa.Middleware {
  return async (ctx, next) => {
    await next();
    const { oidc } = ctx as unknown as Partial<KoaContextWithOIDC>;
    const location = ctx.response.get('Location');
    if (ctx.status !== 303 || !oidc || !['authorization', 'resume'].includes(oidc.route)) return;
    const redirectUri = String(oidc.params?.redirect_uri);
    if (!oidc.client || !isAddressOf(redirectUri, location)) return;
    const listener = listenerAt(redirectUri);
    const result = (oidc.entities.Interaction as { result?: Record<string, unknown> } | undefined)?.result;
    const byHand = listener === 'loopback' && result?.[returnsByHand] === true;
    // A request that must show nothing gets what it asks for (OpenID Connect Core section 3.1.2.1).
    const silent = String(oidc.params?.prompt).split(' ').includes('none');
    if (silent || (listener !== 'program' && !byHand)) return;
    const uiLocales = oidc.params?.ui_locales;
    const options = { uiLocales: typeof uiLocales === 'string' ? uiLocales : undefined };
    if (byHand) {
      ctx.remove('Location');
      pages.show(ctx, 'return-by-hand', () => buildReturnByHandPage(location), options);
      return;
    }
    const client = await clients.find(oidc.client.clientId);
    if (!client) return;
    const page: HandOverPage = {
      client: faceOf(factsOf(client, redirectUri)),
      scheme: new URL(redirectUri).protocol,
      address: location,
      denied: new URL(location).searchParams.has('error'),
      // What fails before anybody decided opens no program by itself (RFC 9700 section 4.11.2).
      atOnce: result !== undefined,
    };
    ctx.remove('Location');
    pages.show(ctx, 'hand-over', () => page, options);
  };
}

/** Whether a redirect is an answer to the client, and no step of ours on the way to one. */
function isAddressOf(redirectUri: string, location: string): boolean {
  const [registered, actual] = [URL.parse(redirectUri), URL.parse(location)];
  return (
    registered !== null &&
    actual !== null &&
    ['protocol', 'host', 'pathname'].every(
      (part) => registered[part as keyof URL] === actual[part as keyof URL],
    )
  );
}
