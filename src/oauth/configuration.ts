/**
 * Everything that oidc-provider is told, in the order of a request's life. Each hook lives in a file of its own.
 */
import type { JWK } from 'jose';
import { type Adapter, type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Clock } from '../clock.ts';
import type { UserStore } from '../directory/user-store.ts';
import { cookieNames } from '../http/cookie-names.ts';
import type { Catalogue } from '../policy/vocabulary.ts';
import type { Secrets } from '../secrets.ts';
import { createFindAccount, identityClaims } from './account.ts';
import type { AuthorizationRights } from './authorization-rights.ts';
import { allowsOrigin } from './cors.ts';
import { createInteractionPolicy } from './interaction-policy.ts';
import * as lifetimes from './lifetimes.ts';
import type { DevicePages, SessionPages } from './pages.ts';
import { createIdFactory, isManageable } from './registration.ts';
import { responseModes } from './response-modes.ts';
import { mayRevoke } from './revocation.ts';
import { createExtraParameters, identityScopes } from './scopes.ts';
import { accessTokenSeconds, type TokenHooks } from './token-hooks.ts';
import { userCodeShape } from './user-code.ts';

export interface ConfigurationDependencies {
  readonly issuer: string;
  readonly clock: Clock;
  readonly catalogue: Catalogue;
  readonly secrets: Secrets;
  readonly users: UserStore;
  readonly rights: AuthorizationRights;
  readonly signingKeys: JWK[];
  readonly adapter: (model: string) => Adapter;
  readonly tokenHooks: TokenHooks;
  readonly revokeGrantPolicy: (ctx: KoaContextWithOIDC) => Promise<boolean>;
  readonly pages: DevicePages & SessionPages;
  /** Asks other hosts. */
  readonly fetch: NonNullable<Configuration['fetch']>;
  /** Whether a client may be known by its metadata document. */
  readonly metadataDocumentsEnabled: boolean;
}

export function createConfiguration(deps: ConfigurationDependencies): Configuration {
  const { catalogue, secrets, tokenHooks, pages } = deps;
  const { session, interaction, resume } = cookieNames(deps.issuer);
  const secureCookies = deps.issuer.startsWith('https:');
  return {
    adapter: deps.adapter,
    jwks: { keys: deps.signingKeys } as NonNullable<Configuration['jwks']>,
    findAccount: createFindAccount(deps),
    scopes: identityScopes,
    claims: identityClaims,
    routes: {
      authorization: '/authorize',
      token: '/token',
      registration: '/register',
      revocation: '/revoke',
      pushed_authorization_request: '/par',
      device_authorization: '/device/auth',
      code_verification: '/device',
      jwks: '/jwks',
      userinfo: '/userinfo',
      end_session: '/session/end',
    },

    // Who may ask.
    responseTypes: ['code'],
    subjectTypes: ['public'],
    pkce: { required: () => true },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    clientDefaults: {
      id_token_signed_response_alg: 'ES256',
      authorization_details_types: ['project', 'mcp_server', 'authorization'],
      response_modes: responseModes,
    } as NonNullable<Configuration['clientDefaults']>,
    enabledJWA: {
      idTokenSigningAlgValues: ['ES256', 'RS256'],
      clientAuthSigningAlgValues: ['ES256', 'RS256', 'PS256', 'EdDSA'],
      dPoPSigningAlgValues: ['ES256', 'RS256', 'PS256', 'EdDSA'],
    } as NonNullable<Configuration['enabledJWA']>,
    assertJwtClientAuthClaimsAndHeader: async (_ctx, claims) => {
      // The library also accepts endpoint URLs, which it builds from the Host header.
      if (claims.aud !== deps.issuer) throw new errors.InvalidClientAuth('aud must be exactly the issuer');
      // One that is good for years is a secret, and its jti would have to be remembered as long (RFC 7523 section 3).
      if (Number(claims.exp) > deps.clock.now() + lifetimes.mostClientAssertionSeconds) {
        throw new errors.InvalidClientAuth('exp is too far away');
      }
    },
    clientBasedCORS: allowsOrigin,
    fetch: deps.fetch,
    clockTolerance: 5,
    allowOmittingSingleRegisteredRedirectUri: false,
    extraParams: createExtraParameters({ catalogue }) as NonNullable<Configuration['extraParams']>,

    // What a person is asked.
    interactions: {
      policy: createInteractionPolicy(),
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    loadExistingGrant: async (ctx) => {
      const { client, params, route } = ctx.oidc;
      // The library checks it when a request begins; a person may take an hour, and the client may lose it meanwhile.
      if (route === 'resume' && !client?.redirectUriAllowed(String(params?.redirect_uri))) {
        throw new errors.InvalidRedirectUri();
      }
      const grantId = ctx.oidc.result?.consent?.grantId;
      return grantId ? ctx.oidc.provider.Grant.find(grantId) : undefined;
    },
    cookies: {
      keys: [...secrets.cookieKeys],
      names: { session, interaction, resume },
      long: { httpOnly: true, sameSite: 'lax', signed: true, secure: secureCookies },
      short: { httpOnly: true, sameSite: 'lax', signed: true, secure: secureCookies },
    },
    renderError: pages.renderError,

    // What is issued.
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: () => false,
    rotateRefreshToken: true,
    revokeGrantPolicy: deps.revokeGrantPolicy,
    extraTokenClaims: tokenHooks.extraTokenClaims,
    conformIdTokenClaims: false,
    ttl: {
      AccessToken: accessTokenSeconds,
      AuthorizationCode: lifetimes.authorizationCodeSeconds,
      ClientCredentials: accessTokenSeconds,
      DeviceCode: lifetimes.deviceCodeSeconds,
      Grant: lifetimes.grantSeconds,
      IdToken: lifetimes.idTokenSeconds,
      Interaction: lifetimes.interactionSeconds,
      RefreshToken: lifetimes.refreshTokenSeconds,
      Session: (_ctx, session) =>
        session.accountId ? lifetimes.signedInSessionSeconds : lifetimes.anonymousSessionSeconds,
    },

    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: false },
      revocation: { enabled: true, allowedPolicy: mayRevoke },
      clientCredentials: { enabled: true },
      userinfo: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      rpMetadataChoices: { enabled: true },
      dPoP: { enabled: true, nonceSecret: secrets.dpopNonceKey },
      deviceFlow: {
        enabled: true,
        ...userCodeShape,
        deviceInfo: pages.deviceInfo,
        userCodeInputSource: pages.userCodeInput,
        userCodeConfirmSource: pages.userCodeConfirm,
        successSource: pages.deviceDone,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: tokenHooks.defaultResource as never,
        getResourceServerInfo: tokenHooks.getResourceServerInfo,
        useGrantedResource: () => true,
      },
      richAuthorizationRequests: {
        enabled: true,
        types: {
          project: { validate: () => {} },
          mcp_server: { validate: () => {} },
          authorization: { validate: () => {} },
        },
        authorizationDetailsForGrantSource: tokenHooks.authorizationDetailsForGrantSource,
        authorizationDetailsForAccessToken: tokenHooks.authorizationDetailsForAccessToken,
      } as never,
      registration: {
        enabled: true,
        initialAccessToken: false,
        issueRegistrationAccessToken: isManageable as never,
        idFactory: createIdFactory() as never,
      },
      // Says so in the metadata; the documents themselves come through the adapter, and never otherwise.
      clientIdMetadataDocument: {
        enabled: deps.metadataDocumentsEnabled,
        ack: 'draft-02',
        allowFetch: () => false,
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: pages.signOut,
        postLogoutSuccessSource: pages.signedOut,
      },
    },
  };
}
