/** What the organization's policy leaves to choose from, as forms show it. Pure. */
import type { ApprovalStatus } from '../policy/limits.ts';
import { type AuthorizationKind, allowsLifetime, type Policy } from '../policy/policy.ts';
import type { Lifetime } from './consent-lifetime.ts';

/** What the policy says of one capability. */
export interface CapabilityTerms {
  /** Longest lifetime in seconds, where it has one of its own. */
  readonly longest?: number;
  /** Absent where no approval is needed; `none`: it has not been asked for. */
  readonly approval?: ApprovalStatus | 'none';
}

export interface PolicyOffer {
  /** Shortest first. */
  readonly lifetimes: readonly Lifetime[];
  /** By capability name; only those of which there is something to say. */
  readonly capabilities: ReadonlyMap<string, CapabilityTerms>;
}

/**
 * Finds what is left to choose from.
 * @param usual the lifetimes where nothing is bounded, shortest first; the longest that is allowed stands in for those beyond it
 * @param approvals how the requests of the authorization stand so far
 */
export function policyOffer(
  policy: Policy,
  kind: AuthorizationKind,
  usual: readonly Lifetime[],
  approvals: ReadonlyMap<string, ApprovalStatus> = new Map(),
): PolicyOffer {
  const longest = policy.longest[kind];
  const allowed = usual.filter((lifetime) => allowsLifetime(kind, lifetime, policy));
  const lifetimes = longest === null || allowed.includes(longest) ? allowed : [...allowed, longest];
  const capabilities = new Map<string, CapabilityTerms>();
  for (const [name, bounded] of policy.capabilities) {
    const terms: CapabilityTerms = {
      // One that is no shorter than the authorization's own says nothing.
      ...(bounded.longest !== null && (longest === null || bounded.longest < longest)
        ? { longest: bounded.longest }
        : {}),
      ...(bounded.approval ? { approval: approvals.get(name) ?? 'none' } : {}),
    };
    if (terms.longest !== undefined || terms.approval !== undefined) capabilities.set(name, terms);
  }
  return { lifetimes, capabilities };
}

/** Tells whether choosing a capability means asking for approval. Pure. */
export function asksApproval(terms: CapabilityTerms | undefined): boolean {
  return terms?.approval === 'none' || terms?.approval === 'declined';
}
