/** Reads what the organization's policy has to say to one consent: whether this client, how long, what needs approval. Decides nothing. */
import type { Authorization } from '../authorizations/authorization.ts';
import type { StoredClient } from '../clients/client-store.ts';
import type { ApprovalStore } from '../policies/approval-store.ts';
import { standingOf } from '../policies/client-standing.ts';
import type { PolicyStore } from '../policies/policy-store.ts';
import { type ClientRefusal, clientRefusal, isVouchedFor } from '../policy/client-permission.ts';
import type { ApprovalStatus } from '../policy/limits.ts';
import type { Policy } from '../policy/policy.ts';
import { offeredLifetimes } from './consent-lifetime.ts';
import { type PolicyOffer, policyOffer } from './policy-offer.ts';

export interface ConsentTerms {
  readonly policy: Policy;
  /** Why this client may not be authorized; undefined: it may. */
  readonly refusal: ClientRefusal | undefined;
  /** Its name is believed: an administrator vouches for it, or the policy for its document's host. */
  readonly vouchedFor: boolean;
  readonly offer: PolicyOffer;
  /** Capability name → how its request stands, of the authorization that is chosen again. */
  readonly approvals: ReadonlyMap<string, ApprovalStatus>;
}

export type ReadConsentTerms = (
  client: StoredClient,
  existing: Authorization | undefined,
) => Promise<ConsentTerms>;

export function createConsentTerms({
  policies,
  approvals,
}: {
  policies: Pick<PolicyStore, 'read'>;
  approvals: Pick<ApprovalStore, 'of'>;
}): ReadConsentTerms {
  return async (client, existing) => {
    const [{ policy }, known] = await Promise.all([
      policies.read(),
      existing ? approvals.of([existing.id]) : [],
    ]);
    // What was agreed to for a while is not agreed to for good.
    const forGood = known.filter(({ capability }) => existing?.capabilities.includes(capability));
    const statuses = new Map(forGood.map(({ capability, status }) => [capability, status]));
    const standing = standingOf(client);
    return {
      policy,
      refusal: clientRefusal(standing, policy.clients),
      vouchedFor: isVouchedFor(standing, policy.clients),
      offer: policyOffer(policy, 'oauth2', offeredLifetimes, statuses),
      approvals: statuses,
    };
  };
}
