/** The errors of RFC 6750 section 3.1, and the one that RFC 9449 section 7.1 adds. */
export type ChallengeError =
  | 'invalid_request'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'invalid_dpop_proof';

export interface ChallengeParameters {
  /** Left out when the request carried no token. */
  readonly error?: ChallengeError | undefined;
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
  return `Bearer ${written(pairsOf(parameters))}`;
}

/**
 * Writes the challenge for tokens that are bound to a key. Pure.
 *
 * @param algorithms - the signatures that are taken
 * @param parameters - left out beside a Bearer challenge that says it all
 * @see https://www.rfc-editor.org/rfc/rfc9449#section-7.1
 */
export function dpopChallenge(algorithms: readonly string[], parameters?: ChallengeParameters): string {
  return `DPoP ${written([...(parameters ? pairsOf(parameters) : []), ['algs', algorithms.join(' ')]])}`;
}

type Pair = readonly [name: string, value: string | undefined];

function pairsOf(parameters: ChallengeParameters): Pair[] {
  return [
    ['error', parameters.error],
    ['error_description', parameters.description],
    ['scope', parameters.scopes.length > 0 ? parameters.scopes.join(' ') : undefined],
    ['resource_metadata', parameters.resourceMetadataUrl],
    ['authorization_page', parameters.authorizationPage],
  ];
}

function written(pairs: readonly Pair[]): string {
  return pairs
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}="${quotable(value ?? '')}"`)
    .join(', ');
}

/** RFC 6750 allows neither quotes nor backslashes nor anything beyond printable ASCII in these values. */
function quotable(value: string): string {
  return value.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, ' ');
}
