/** The metadata document of a protected resource (RFC 9728 section 2). */
export interface ProtectedResourceMetadata {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly scopes_supported?: readonly string[];
  readonly bearer_methods_supported: readonly ['header'];
  readonly resource_name?: string;
  readonly dpop_signing_alg_values_supported?: readonly string[];
}

/**
 * Builds the metadata document of a resource. Pure.
 *
 * @param options.resource - URL of the resource, as registered with Mandate
 * @param options.authorizationServers - issuers whose tokens it takes
 * @param options.scopesSupported - the scopes that a client should ask for; clients ask for all that they see
 * @param options.dpopSigningAlgorithms - where tokens that are bound to a key are taken: `algorithms` of the verifier
 * @see https://www.rfc-editor.org/rfc/rfc9728#section-2
 */
export function protectedResourceMetadata(options: {
  readonly resource: string;
  readonly authorizationServers: readonly string[];
  readonly scopesSupported?: readonly string[];
  readonly resourceName?: string;
  readonly dpopSigningAlgorithms?: readonly string[];
}): ProtectedResourceMetadata {
  return {
    resource: options.resource,
    authorization_servers: options.authorizationServers,
    ...(options.scopesSupported && { scopes_supported: options.scopesSupported }),
    bearer_methods_supported: ['header'],
    ...(options.resourceName && { resource_name: options.resourceName }),
    ...(options.dpopSigningAlgorithms && {
      dpop_signing_alg_values_supported: options.dpopSigningAlgorithms,
    }),
  };
}

/**
 * Names the path at which a resource's metadata is served: the well-known part goes between host and path. Pure.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9728#section-3.1
 */
export function protectedResourceMetadataPath(resource: string): string {
  const { pathname, search } = new URL(resource);
  return `/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}${search}`;
}

/** Names the URL at which a resource's metadata is served. Pure. */
export function protectedResourceMetadataUrl(resource: string): string {
  return new URL(resource).origin + protectedResourceMetadataPath(resource);
}
