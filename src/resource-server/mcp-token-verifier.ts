import type { ActiveIntrospection, Introspect } from './introspection.ts';
import { protectedResourceMetadataUrl } from './resource-metadata.ts';
import { judge, scopesOf } from './verdict.ts';

/** What MCP handlers are told about the caller: the `AuthInfo` of both official SDKs. */
export interface McpAuthInfo {
  token: string;
  clientId: string;
  scopes: string[];
  /** Integer seconds since the epoch. */
  expiresAt: number;
  resource: URL;
  /** Lets the SDK's own challenges name the metadata. */
  resourceMetadataUrl: string;
  extra: { authorization: ActiveIntrospection };
}

/** Why a token is refused; the official SDKs answer 401 and 403. */
export type TokenRefusal = 'invalid_token' | 'insufficient_scope';

/**
 * Makes the verifier that `requireBearerAuth` of the official MCP server SDKs takes. It asks at every call, and
 * checks that the token is meant for this server and reaches it now.
 *
 * An `IntrospectionUnavailable` passes through; the SDKs answer it with 500. Where that matters, guard with
 * `requireAuthorization({ mcpServer: true })`, which answers 503, and hand `mcpAuthInfo` on.
 *
 * @param options.refuse - makes the SDK's own error, which this package does not import:
 *   version 2 `(code, message) => new OAuthError(code as OAuthErrorCode, message)`;
 *   version 1 `(code, message) => code === 'invalid_token' ? new InvalidTokenError(message) : new InsufficientScopeError(message)`
 */
export function createMcpTokenVerifier(options: {
  readonly introspect: Introspect;
  /** URL of the MCP server, as registered with Mandate. */
  readonly resource: string;
  readonly resourceMetadataUrl?: string;
  readonly refuse: (code: TokenRefusal, message: string) => Error;
}): { verifyAccessToken(token: string): Promise<McpAuthInfo> } {
  const { introspect, resource, refuse } = options;
  return {
    async verifyAccessToken(token) {
      const introspection = await introspect(token);
      if (!introspection.active) throw refuse('invalid_token', 'The token is not active');
      const verdict = judge(introspection, resource, { mcpServer: true });
      if (verdict.kind !== 'allowed') throw refuse(verdict.kind, verdict.description);
      return mcpAuthInfo(token, introspection, resource, options.resourceMetadataUrl);
    },
  };
}

/**
 * Says who calls, in the words of the official MCP SDKs. Pure.
 *
 * An API key that does not expire gets the largest expiry there is, because the SDKs refuse a token without one.
 */
export function mcpAuthInfo(
  token: string,
  authorization: ActiveIntrospection,
  resource: string,
  resourceMetadataUrl: string = protectedResourceMetadataUrl(resource),
): McpAuthInfo {
  return {
    token,
    clientId: authorization.client_id ?? authorization.authorization_id,
    scopes: scopesOf(authorization),
    expiresAt: authorization.exp ?? Number.MAX_SAFE_INTEGER,
    resource: new URL(resource),
    resourceMetadataUrl,
    extra: { authorization },
  };
}
