/** The last step of the grants that are ours alone: a token bound to what its client proved, kept, and handed out. */
import type Provider from 'oidc-provider';
import type { AccessToken, Client, ClientCredentials, TokenEndpointGrantContext } from 'oidc-provider';
import * as helpers from 'oidc-provider/lib/helpers/grants.js';
import { authorizationDetails, authorizationReference } from './authorization-details.ts';
import type { Audience } from './resources.ts';
import { tokenMemory } from './token-hooks.ts';

/** What a client proved of its key (RFC 9449); undefined where it proved none. */
export type Proof = Awaited<ReturnType<typeof helpers.validateDpop>>;

/** Makes an access token of one audience under an authorization; nothing is kept yet. @param token.seconds for how long it is good */
export function makeAccessToken(
  provider: Provider,
  token: {
    readonly userId: string;
    readonly client: Client;
    readonly authorizationId: string;
    /** The grant's short name. */
    readonly grant: string;
    readonly scope: string;
    readonly audience: Audience;
    readonly seconds: number;
  },
): AccessToken {
  const { userId, client, authorizationId, grant, scope, audience, seconds } = token;
  const made = new provider.AccessToken({
    accountId: userId,
    client,
    grantId: authorizationId,
    gty: grant,
    scope,
    expiresIn: seconds,
  } as ConstructorParameters<typeof provider.AccessToken>[0]);
  made.resourceServer = new provider.ResourceServer(audience.uri, {
    audience: audience.uri,
    scope,
    accessTokenFormat: 'opaque',
    accessTokenTTL: seconds,
  });
  return made;
}

/**
 * Keeps a token and answers with it (RFC 6749 section 5.1).
 * @param issued.memory what the token remembers of how it was asked for
 * @param issued.scope what holds of it now
 * @param issued.holds what its authorization allows now, for `authorization_details`
 */
export async function answerWithToken(
  provider: Provider,
  ctx: TokenEndpointGrantContext,
  token: AccessToken | ClientCredentials,
  issued: {
    readonly proof: Proof;
    readonly memory: { readonly live: boolean; readonly authorization_id?: string };
    readonly authorizationId: string;
    readonly scope: string;
    readonly holds: Parameters<typeof authorizationDetails>[0];
    /** Where the grant says it (RFC 8693 section 2.2.1). */
    readonly issuedTokenType?: string;
  },
): Promise<void> {
  const { proof, memory, authorizationId, scope, holds, issuedTokenType } = issued;
  const cert = helpers.checkMtlsCert(provider, ctx);
  if (cert) token.setThumbprint('x5t', cert);
  if (proof) token.setThumbprint('jkt', proof.thumbprint);
  Object.assign(ctx, { [tokenMemory]: memory });
  ctx.oidc.entity(token.kind, token);
  const value = await token.save();
  ctx.body = {
    access_token: value,
    ...(issuedTokenType !== undefined && { issued_token_type: issuedTokenType }),
    expires_in: token.expiration,
    token_type: token.tokenType,
    scope,
    authorization_details: [authorizationReference(authorizationId), ...authorizationDetails(holds)],
  };
}
