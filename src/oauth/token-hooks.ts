/**
 * What a token says when it is issued: its audience, its scope, its authorization details. All of it is the authorization's
 * effective rights at that moment; introspection computes them again.
 */
import {
  type AccessToken,
  type ClientCredentials,
  errors,
  type KoaContextWithOIDC,
  type ResourceServer,
  type UnknownObject,
} from 'oidc-provider';
import type { Catalogue } from '../policy/vocabulary.ts';
import { authorizationDetails, authorizationReference } from './authorization-details.ts';
import type { AuthorizationRights, Rights } from './authorization-rights.ts';
import { printable } from './printable.ts';
import type { Resources } from './resources.ts';
import { defaultedResource, isSignInOnly, readScope } from './scopes.ts';
import { tokenView } from './token-view.ts';

/** Lifetime of access tokens. Long is safe: each use asks, and the answer is live. */
export const accessTokenSeconds = 3_600;

/** Where a grant of ours leaves what its token must remember. */
export const tokenMemory = Symbol('token memory');

export type TokenHooks = ReturnType<typeof createTokenHooks>;

export function createTokenHooks(deps: {
  rights: AuthorizationRights;
  resources: Resources;
  catalogue: Catalogue;
}) {
  const { rights, resources, catalogue } = deps;
  const everything = [...catalogue.keys()].join(' ');

  /** The rights behind the grant of a token request, read once a request. */
  const remembered = new WeakMap<object, Promise<Rights | undefined>>();
  const rightsOf = (ctx: KoaContextWithOIDC): Promise<Rights | undefined> => {
    const grantId = ctx.oidc.entities.Grant?.jti;
    if (!grantId) return Promise.resolve(undefined);
    let known = remembered.get(ctx);
    if (!known) {
      known = rights.of(grantId);
      remembered.set(ctx, known);
    }
    return known;
  };

  const details = async (ctx: KoaContextWithOIDC) => {
    const current = await rightsOf(ctx);
    const id = ctx.oidc.entities.Grant?.jti;
    if (!id) return undefined;
    return [authorizationReference(id), ...(current ? authorizationDetails(current.effective) : [])];
  };

  return {
    async defaultResource(ctx: KoaContextWithOIDC, _client: unknown, oneOf?: string | string[]) {
      if (oneOf === undefined) {
        if (isSignInOnly(ctx.oidc.params?.scope, catalogue)) return undefined;
        ctx.state[defaultedResource] = true;
        return (await resources.defaultApi())?.uri;
      }
      const [first = '', ...others] = [oneOf].flat();
      const audience = await resources.resolve(first);
      for (const other of others) refuseAnother(audience?.uri, (await resources.resolve(other))?.uri);
      return first;
    },

    async getResourceServerInfo(ctx: KoaContextWithOIDC, indicator: string): Promise<ResourceServer> {
      const audience = await resources.resolve(indicator);
      if (!audience) throw new errors.InvalidTarget(`unknown resource ${printable(indicator)}`);
      for (const before of Object.values(ctx.oidc.resourceServers ?? {})) {
        refuseAnother(before.audience, audience.uri);
      }
      const server = {
        audience: audience.uri,
        accessTokenFormat: 'opaque' as const,
        accessTokenTTL: accessTokenSeconds,
      };
      if (ctx.oidc.route !== 'token' || !ctx.oidc.entities.Grant) return { ...server, scope: everything };
      const current = await rightsOf(ctx);
      refuseWhatDoesNotStand(current);
      return { ...server, scope: (current && tokenView(current, audience)?.scope.join(' ')) || '' };
    },

    /**
     * Marks a token that follows its authorization. A token for which a narrower scope was asked keeps that scope as a ceiling.
     */
    async extraTokenClaims(ctx: KoaContextWithOIDC, token: AccessToken | ClientCredentials) {
      const memory = (ctx as unknown as Record<symbol, UnknownObject | undefined>)[tokenMemory];
      if (memory || token.kind === 'ClientCredentials') return memory;
      // Of a token without a resource, for a sign-in alone, nobody has looked at it yet.
      refuseWhatDoesNotStand(await rightsOf(ctx));
      const asked = ctx.oidc.params?.grant_type === 'refresh_token' ? readScope(ctx.oidc.params.scope) : [];
      return { live: asked.length === 0 };
    },

    authorizationDetailsForGrantSource: details,
    authorizationDetailsForAccessToken: details,
  };
}

/**
 * A request is for one resource, in however many spellings: one is what the consent page names, and what is picked for it is not
 * meant for another. The library asks about each `resource` in turn. @see RFC 8707 section 2
 */
function refuseAnother(first: string | undefined, other: string | undefined): void {
  if (first !== other) throw new errors.InvalidTarget('one resource at a time');
}

/** Nothing is issued for an authorization that does not stand: the reason is the protocol's error. */
function refuseWhatDoesNotStand(current: Rights | undefined): void {
  switch (current?.granted.standing) {
    case 'active':
      refuseWhatPolicyStops(current);
      return;
    case 'suspended':
      // Not invalid_grant: clients throw their tokens away on that one, and a suspension is a pause.
      throw new errors.AccessDenied('the authorization is suspended');
    case 'expired':
      throw new errors.InvalidGrant('the authorization has expired');
    case 'revoked':
    case undefined:
      throw new errors.InvalidGrant('the authorization was revoked');
  }
}

/** Nothing is issued for what the policy lets nothing of through. */
function refuseWhatPolicyStops({ limits }: Rights): void {
  switch (limits.everything) {
    case undefined:
      return;
    case 'too_old':
      // The person has to choose again, which is what clients do on this one.
      throw new errors.InvalidGrant('the authorization is older than the organization allows');
    case 'client_not_permitted':
      throw new errors.AccessDenied('the organization does not let this client be authorized');
  }
}
