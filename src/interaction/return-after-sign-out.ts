/**
 * Where somebody goes after a tool sent them here to sign out. Anybody may register as a tool and name an address: without proof that
 * it is this person's tool, nobody is led there (OpenID Connect RP-Initiated Logout section 3).
 */
import type Koa from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { ClientStore, StoredClient } from '../clients/client-store.ts';
import type { PageWriter } from '../http/page-writer.ts';
import type { SignedOutPage } from './sign-out-page.ts';

/** What the library remembers of the request until the person answers. */
interface SignOutRequest {
  secret: string;
  state?: string;
  postLogoutRedirectUri?: string | undefined;
}

/** Reads what the request asked for; its fields may be changed. */
export function signOutRequestOf(ctx: KoaContextWithOIDC): SignOutRequest | undefined {
  return (ctx.oidc.session as { state?: SignOutRequest } | undefined)?.state;
}

/**
 * Takes the address out of a request that does not show whose tool it is: neither an administrator vouches for the client, nor is
 * the ID token of whoever is signed in. That the address is the client's has been seen to.
 * @returns the address that stays
 */
export function settleReturnAddress(
  ctx: KoaContextWithOIDC,
  client: StoredClient | undefined,
): string | undefined {
  const request = signOutRequestOf(ctx);
  if (!request || !client) return undefined;
  const hint = ctx.oidc.entities.IdTokenHint as { payload?: { sub?: unknown } } | undefined;
  const account = ctx.oidc.session?.accountId;
  const theirs = account !== undefined && hint?.payload?.sub === account;
  if (!client.verified && !theirs) request.postLogoutRedirectUri = undefined;
  return request.postLogoutRedirectUri;
}

/** Answers whoever is signed out already: there is nothing to ask them, and the library's page would send itself by a script. */
export function createSignedOutAlready({
  pages,
  clients,
}: {
  pages: PageWriter;
  clients: ClientStore;
}): Koa.Middleware {
  return async (ctx, next) => {
    await next();
    const { oidc } = ctx as unknown as Partial<KoaContextWithOIDC>;
    if (oidc?.route !== 'end_session' || ctx.status !== 200 || oidc.session?.accountId) return;
    const answered = ctx as unknown as KoaContextWithOIDC;
    const client = oidc.client && (await clients.find(oidc.client.clientId));
    const address = settleReturnAddress(answered, client);
    if (address === undefined) {
      pages.show(ctx, 'signed-out', (): SignedOutPage => ({ signInHref: '/account/authorizations' }));
      return;
    }
    const target = new URL(address);
    const state = signOutRequestOf(answered)?.state;
    if (state !== undefined) target.searchParams.set('state', state);
    ctx.status = 303;
    ctx.redirect(target.href);
  };
}
