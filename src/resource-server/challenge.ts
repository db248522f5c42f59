/** The errors of RFC 6750 section 3.1. */
export type BearerError = 'invalid_request' | 'invalid_token' | 'insufficient_scope';

export interface ChallengeParameters {
  /** Left out when the request carried no token. */
  readonly error?: BearerError | undefined;
  readonly description?: string | undefined;
  /** What a token needs for this operation. */
  readonly scopes: readonly string[];
  /** Where the metadata of this resource is (RFC 9728 section 5.1). */
  readonly resourceMetadataUrl: string;
  /** Where the token's owner can add what it lacks. */
  readonly authorizationPage?: string | undefined;
}

/**
 * Writes the value of `WWW-Authenticate`. Pure.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-3
 */
export function bearerChallenge(parameters: ChallengeParameters): string {
  const pairs: [string, string | undefined][] = [
    ['error', parameters.error],
    ['error_description', parameters.description],
    ['scope', parameters.scopes.length > 0 ? parameters.scopes.join(' ') : undefined],
    ['resource_metadata', parameters.resourceMetadataUrl],
    ['authorization_page', parameters.authorizationPage],
  ];
  const written = pairs
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}="${quotable(value ?? '')}"`);
  return `Bearer ${written.join(', ')}`;
}

/** RFC 6750 allows neither quotes nor backslashes nor anything beyond printable ASCII in these values. */
function quotable(value: string): string {
  return value.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, ' ');
}
