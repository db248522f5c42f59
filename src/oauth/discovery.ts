/**
 * What the metadata says beyond the library: our introspection endpoint, and only those scopes that a client should ask for by
 * itself, because assistants ask for every scope that they see.
 * @see RFC 8414 section 2
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { assertionGrantProfile, assertionGrantType } from './assertion-issuer.ts';
import { responseModes } from './response-modes.ts';

const callerAuthenticationMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];
export const callerSigningAlgorithms = ['ES256', 'RS256', 'PS256', 'EdDSA'];

/** @param takesAssertions whether an issuer of identity assertions is trusted */
export function completeDiscovery(ctx: KoaContextWithOIDC, issuer: string, takesAssertions: boolean): void {
  const body = ctx.body as Record<string, unknown> | undefined;
  if (ctx.oidc?.route !== 'discovery' || !body) return;
  const grants = [body.grant_types_supported ?? []].flat();
  ctx.body = {
    ...body,
    grant_types_supported: takesAssertions ? grants : grants.filter((grant) => grant !== assertionGrantType),
    ...(takesAssertions && { authorization_grant_profiles_supported: [assertionGrantProfile] }),
    response_modes_supported: responseModes,
    scopes_supported: ['openid', 'offline_access', 'mcp'],
    introspection_endpoint: `${issuer}/introspect`,
    introspection_endpoint_auth_methods_supported: callerAuthenticationMethods,
    introspection_endpoint_auth_signing_alg_values_supported: callerSigningAlgorithms,
    // Unsaid, it would be client_secret_basic alone.
    revocation_endpoint_auth_methods_supported: body.token_endpoint_auth_methods_supported,
    revocation_endpoint_auth_signing_alg_values_supported:
      body.token_endpoint_auth_signing_alg_values_supported,
    service_documentation: issuer,
  };
}
