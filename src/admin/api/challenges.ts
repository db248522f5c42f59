import { administration } from '../../policy/administration.ts';
import type { ProblemCode } from './problem.ts';

/**
 * Says how to ask instead, for `WWW-Authenticate`. Pure.
 * @param resource the API as tokens for it are asked for
 * @returns none where other credentials would not help
 * @see RFC 6750 section 3, RFC 9449 section 7.1
 */
export function challengesOf(code: ProblemCode, resource: string): string[] {
  const bearer = (...facts: string[]) => `Bearer ${[`realm="${resource}"`, ...facts].join(', ')}`;
  const scope = `scope="${administration}"`;
  switch (code) {
    case 'not_signed_in':
      // Neither scheme of RFC 9110 fits a cookie; the realm says where to sign in.
      return ['Session realm="/sign-in"', bearer(scope)];
    case 'token_not_accepted':
      return [bearer('error="invalid_token"', scope)];
    case 'token_bound':
      return [
        bearer('error="invalid_token"', 'error_description="sender-constrained tokens are not taken"', scope),
      ];
    case 'insufficient_scope':
      return [bearer('error="insufficient_scope"', scope)];
    default:
      return [];
  }
}
