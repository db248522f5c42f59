/** What a request for token exchange says, before anything is looked up. Pure. @see RFC 8693 section 2.1 */
import type { ExchangeRefusal } from './exchange-refusal.ts';
import { readScope } from './scopes.ts';

export const exchangeGrantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

/** Parameters that count; `resource` and `audience` are a list by the standard. */
export const exchangeParameters = [
  'subject_token',
  'subject_token_type',
  'requested_token_type',
  'actor_token',
  'actor_token_type',
  'resource',
  'audience',
  'scope',
];
export const repeatableExchangeParameters = new Set(['resource', 'audience']);

export interface ExchangeRequest {
  readonly kind: 'request';
  readonly subjectToken: string;
  /** As sent; none: the audience of the subject token. */
  readonly targets: readonly string[];
  /** Capability names; none: whatever the subject token may do there. */
  readonly scope: readonly string[];
}

/** Reads a request. */
export function readExchange(params: Readonly<Record<string, unknown>>): ExchangeRequest | ExchangeRefusal {
  if (params.actor_token !== undefined || params.actor_token_type !== undefined) {
    return { kind: 'actor_token' };
  }
  const { subject_token: subjectToken, subject_token_type: type, requested_token_type: requested } = params;
  if (typeof subjectToken !== 'string' || subjectToken === '') {
    return { kind: 'missing', parameter: 'subject_token' };
  }
  if (type === undefined) return { kind: 'missing', parameter: 'subject_token_type' };
  if (type !== accessTokenType) return { kind: 'wrong_type', parameter: 'subject_token_type' };
  if (requested !== undefined && requested !== accessTokenType) {
    return { kind: 'wrong_type', parameter: 'requested_token_type' };
  }
  const targets = [params.resource ?? [], params.audience ?? []].flat().map(String);
  return { kind: 'request', subjectToken, targets: [...new Set(targets)], scope: readScope(params.scope) };
}
