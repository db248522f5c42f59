/**
 * When a person is asked. Sign-in is the library's own policy; consent is asked for every authorization request, because each
 * one may be another install of the same tool; a person who chose before finds that choice preselected.
 */
import { interactionPolicy } from 'oidc-provider';

export function createInteractionPolicy() {
  const { base, Check } = interactionPolicy;
  const policy = base();
  const consent = policy.get('consent');
  if (!consent) throw new Error('the library has no consent prompt');
  for (const reason of [
    'native_client_prompt',
    'op_scopes_missing',
    'op_claims_missing',
    'rs_scopes_missing',
    'rar_prompt',
  ]) {
    consent.checks.remove(reason);
  }
  consent.checks.add(
    new Check(
      'authorization_missing',
      'the person has to choose what to hand over',
      'consent_required',
      (ctx) => (ctx.oidc.result?.consent ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT),
    ),
  );
  return policy;
}
