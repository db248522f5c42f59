import { type ApprovalStatus, approvalsToAsk } from './limits.ts';
import { type AuthorizationKind, allowsLifetime, type Policy } from './policy.ts';

/** What somebody says beside the slice itself when they hand something over. */
export interface Terms {
  /** Seconds from now; null: until revoked; `keep`: the end stays what it is. */
  readonly lifetime: number | null | 'keep';
  /** What the capabilities that need approval are for; may be empty. */
  readonly justification: string;
}

export type TermsDecision =
  /** `asked`: the capabilities for which approval is asked now. */
  | { readonly kind: 'agreed'; readonly asked: readonly string[] }
  /** `longest`: seconds. */
  | { readonly kind: 'too_long'; readonly longest: number }
  | { readonly kind: 'justification_missing'; readonly capabilities: readonly string[] };

/**
 * Decides whether something may be handed over on these terms. Pure. A lifetime that the policy does not allow is refused, not
 * shortened. A capability that is new and needs approval takes a justification; one that was there before is asked for again only
 * where a justification is given, so that whoever edits something else is not held up by it.
 *
 * @param granted Every capability handed over, by name or through a role.
 * @param before Those that were handed over already.
 * @param approvals How the requests of the authorization stand so far.
 */
export function decideTerms(
  { lifetime, justification }: Terms,
  slice: { readonly granted: readonly string[]; readonly before: readonly string[] },
  kind: AuthorizationKind,
  policy: Policy,
  approvals: ReadonlyMap<string, ApprovalStatus>,
): TermsDecision {
  const longest = policy.longest[kind];
  if (longest !== null && lifetime !== 'keep' && !allowsLifetime(kind, lifetime, policy)) {
    return { kind: 'too_long', longest };
  }
  const toAsk = approvalsToAsk(slice.granted, policy, approvals);
  if (justification !== '') return { kind: 'agreed', asked: toAsk };
  const unexplained = toAsk.filter((name) => !slice.before.includes(name));
  return unexplained.length > 0
    ? { kind: 'justification_missing', capabilities: unexplained }
    : { kind: 'agreed', asked: [] };
}
