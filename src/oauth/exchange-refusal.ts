/** Why a token is not exchanged, and the one place where that becomes an answer of /token. Pure. @see RFC 8693 section 2.2.2 */
import { errors } from 'oidc-provider';
import { mostParents } from '../policy/handed-on.ts';

export type ExchangeRefusal =
  /** No administrator lets this client exchange anything, or it cannot prove who it is. */
  | { readonly kind: 'client_not_allowed' }
  | { readonly kind: 'missing'; readonly parameter: string }
  | { readonly kind: 'wrong_type'; readonly parameter: string }
  | { readonly kind: 'actor_token' }
  /** Unknown, expired, ended, paused, or not one that this client may exchange: never said which. */
  | { readonly kind: 'subject_not_acceptable' }
  /** The client's own token is bound to a key that the request does not prove. */
  | { readonly kind: 'other_key' }
  | { readonly kind: 'wrong_target'; readonly why: 'unknown' | 'not_one' | 'none' | 'not_allowed' }
  | { readonly kind: 'too_deep' }
  | { readonly kind: 'beyond'; readonly names: readonly string[] }
  | { readonly kind: 'nothing_left' }
  | { readonly kind: 'client_not_permitted' }
  /** A person ended, or an administrator paused, what the same exchange made before. */
  | { readonly kind: 'revoked' }
  | { readonly kind: 'suspended' };

const whyNoTarget = {
  unknown: 'there is no such resource here',
  not_one: 'one resource or audience at a time',
  none: 'the subject token has no audience of its own: name a resource',
  not_allowed: 'this client may not exchange tokens for that resource',
};

/** Makes the protocol's error of a refusal: whatever is wrong with the subject token is `invalid_request`. */
export function errorOfExchange(refusal: ExchangeRefusal): errors.OIDCProviderError {
  switch (refusal.kind) {
    case 'client_not_allowed':
      return new errors.UnauthorizedClient(
        'token exchange is for confidential clients that an administrator allowed to',
      );
    case 'missing':
      return new errors.InvalidRequest(`${refusal.parameter} is missing`);
    case 'wrong_type':
      return new errors.InvalidRequest(
        `${refusal.parameter} must be urn:ietf:params:oauth:token-type:access_token`,
      );
    case 'actor_token':
      return new errors.InvalidRequest('actor tokens are not taken: the client acts for itself');
    case 'subject_not_acceptable':
      return new errors.InvalidRequest(
        'the subject token is not active, or not one that this client may exchange',
      );
    case 'other_key':
      return new errors.InvalidRequest('the subject token is bound to a key that the request does not prove');
    case 'wrong_target':
      return new errors.InvalidTarget(whyNoTarget[refusal.why]);
    case 'too_deep':
      return new errors.InvalidRequest(`rights are handed on ${mostParents} times at most`);
    case 'beyond':
      return new errors.InvalidScope(
        'the subject token does not allow what is asked for there',
        refusal.names.join(' '),
      );
    case 'nothing_left':
      return new errors.InvalidTarget('the subject token allows nothing at that resource');
    case 'client_not_permitted':
      return new errors.InvalidRequest('the organization does not let this client be authorized');
    case 'revoked':
      return new errors.InvalidRequest('what this exchange made was revoked: it is not made again');
    case 'suspended':
      return new errors.InvalidRequest('what this exchange made is suspended');
  }
}
