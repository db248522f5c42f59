/** Why an identity assertion is not honoured, and the one place where that becomes an answer of /token. Pure. */
import { errors } from 'oidc-provider';
import { printable } from './printable.ts';

export type AssertionRefusal =
  /** No issuer is trusted at all. */
  | { readonly kind: 'nobody_trusted' }
  /** Public, or not one that an administrator registered. */
  | { readonly kind: 'client_not_confidential' }
  | { readonly kind: 'client_not_listed'; readonly issuer: string }
  | { readonly kind: 'not_a_jwt' }
  | { readonly kind: 'issuer_unknown' }
  | { readonly kind: 'wrong_type'; readonly wanted: string }
  | { readonly kind: 'wrong_algorithm' }
  | { readonly kind: 'keys_unavailable'; readonly issuer: string }
  | { readonly kind: 'wrong_signature' }
  /** A claim is missing, or not of its form. */
  | { readonly kind: 'malformed'; readonly claim: string }
  | { readonly kind: 'wrong_audience'; readonly wanted: string }
  | { readonly kind: 'other_client' }
  | { readonly kind: 'expired' }
  | { readonly kind: 'too_long'; readonly most: number }
  | { readonly kind: 'not_yet' }
  | { readonly kind: 'other_key' }
  | { readonly kind: 'replayed' }
  /** Nobody here is the subject; says the same whether or not somebody has the address. */
  | { readonly kind: 'subject_unknown' }
  | { readonly kind: 'owner_suspended' }
  /** None, or more than one, or one that is neither asserted nor ours nor the issuer's to hand over. */
  | { readonly kind: 'wrong_resource'; readonly why: 'not_asserted' | 'not_one' | 'unknown' | 'not_listed' }
  /** Nothing of what is asserted may be handed over. */
  | { readonly kind: 'nothing_to_hand_over' }
  /** Its owner or an administrator ended it, or the time that its owner gave it is over. */
  | { readonly kind: 'ended'; readonly page: string }
  | { readonly kind: 'authorization_suspended' }
  | { readonly kind: 'too_old'; readonly page: string }
  | { readonly kind: 'client_not_permitted' }
  /** It is there, and nothing of it is left for this token now. */
  | { readonly kind: 'nothing_left'; readonly awaitsApproval: boolean };

/** Seconds after which keys that could not be had may be asked for again. */
export const retryAfterSeconds = 15;

const whyNoResource = {
  not_asserted: 'the assertion is for another resource',
  not_one: 'exactly one resource is needed, in the assertion or as resource',
  unknown: 'there is no such resource here',
  not_listed: 'the issuer may hand over nothing for this resource',
};

/** Makes the protocol's error of a refusal (RFC 6749 section 5.2, RFC 7523 section 3.1). */
export function errorOf(refusal: AssertionRefusal): errors.OIDCProviderError {
  switch (refusal.kind) {
    case 'nobody_trusted':
      return new errors.UnsupportedGrantType('no issuer of assertions is trusted here');
    case 'client_not_confidential':
      return new errors.UnauthorizedClient(
        'assertions are for confidential clients that an administrator registered',
      );
    case 'client_not_listed':
      return new errors.UnauthorizedClient(
        `the client is not one of those that may present assertions of ${refusal.issuer}`,
      );
    case 'not_a_jwt':
      return new errors.InvalidRequest('assertion must be a JWT');
    case 'issuer_unknown':
      return invalidGrant('the issuer of the assertion is not trusted here');
    case 'wrong_type':
      return invalidGrant(`the assertion is not of type ${refusal.wanted}`);
    case 'wrong_algorithm':
      return invalidGrant('the assertion is not signed with an algorithm that is taken here');
    case 'keys_unavailable':
      return unavailable(`the keys of ${refusal.issuer} cannot be had at the moment`);
    case 'wrong_signature':
      return invalidGrant('the assertion is not signed with a key of its issuer');
    case 'malformed':
      return invalidGrant(`the assertion has no usable ${printable(refusal.claim, 40)}`);
    case 'wrong_audience':
      return invalidGrant(`the assertion is not for ${refusal.wanted}`);
    case 'other_client':
      return invalidGrant('the assertion was made for another client');
    case 'expired':
      return invalidGrant('the assertion has expired');
    case 'too_long':
      return invalidGrant(`the assertion is good for longer than ${refusal.most} seconds`);
    case 'not_yet':
      return invalidGrant('the assertion is of the future');
    case 'other_key':
      return invalidGrant('the assertion is bound to a key that the request does not prove');
    case 'replayed':
      return invalidGrant('the assertion was used before');
    case 'subject_unknown':
      return invalidGrant('the subject of the assertion has no account here that is linked with it');
    case 'owner_suspended':
      return invalidGrant('the account of the subject is suspended');
    case 'wrong_resource':
      return new errors.InvalidTarget(whyNoResource[refusal.why]);
    case 'nothing_to_hand_over':
      return said('invalid_scope', 'nothing of what is asserted may be handed over');
    case 'ended':
      return invalidGrant(`the authorization was ended; its owner can allow it again at ${refusal.page}`);
    case 'authorization_suspended':
      // Not invalid_grant, as with a refresh: a suspension is a pause.
      return new errors.AccessDenied('the authorization is suspended');
    case 'too_old':
      return invalidGrant(
        `the authorization is older than the organization allows; its owner can prolong it at ${refusal.page}`,
      );
    case 'client_not_permitted':
      return new errors.AccessDenied('the organization does not let this client be authorized');
    case 'nothing_left':
      return said(
        'invalid_scope',
        refusal.awaitsApproval
          ? 'what is asserted waits for an approval of the organization'
          : 'nothing of what is asserted is held now',
      );
  }
}

const invalidGrant = (description: string) => said('invalid_grant', description);

/** The library's own errors of these names keep their reason to themselves, or repeat the scope. */
function said(error: 'invalid_grant' | 'invalid_scope', description: string): errors.OIDCProviderError {
  return new errors.CustomOIDCProviderError(error, description);
}

/** Clients forget what they hold on 4xx: that a host is down is none of theirs. */
function unavailable(description: string): errors.OIDCProviderError {
  const error = new errors.TemporarilyUnavailable(description);
  error.status = 503;
  error.statusCode = 503;
  return error;
}
