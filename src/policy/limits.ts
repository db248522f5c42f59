/**
 * What the policy takes from one authorization, whatever its owner may do: the third factor of the rule, granted ∩ live − limits.
 * Nothing is deleted by it: a policy that is relaxed, or an approval that is given, brings back what it took.
 */

import { type Addition, runningAdditions } from './additions.ts';
import { type ClientStanding, clientRefusal, restrictsClients } from './client-permission.ts';
import type { AuthorizationKind, Policy } from './policy.ts';
import type { Limits } from './vocabulary.ts';

export type ApprovalStatus = 'pending' | 'approved' | 'declined';

/** What the policy looks at of an authorization. */
export interface Delegation {
  readonly kind: AuthorizationKind;
  /** When its end was last chosen, integer seconds: at consent, when the key was made, or in an edit that chose another one. */
  readonly renewedAt: number;
  /** It is its owner itself. Nobody delegated it, so policies on delegation leave it alone. */
  readonly followsOwner: boolean;
  /** The client that holds it; undefined for an API key, and for a client that is gone. */
  readonly client: ClientStanding | undefined;
  /** Capability name → how its request for approval stands; absent when none was made. */
  readonly approvals: ReadonlyMap<string, ApprovalStatus>;
  /** What was added for a while, ended or not. */
  readonly additions?: readonly Addition[];
}

/** Limits with the time for which they are right, and what time will add to them. Instants are integer seconds or infinite. */
export interface TimedLimits extends Limits {
  /** They are right from here on … */
  readonly since: number;
  /** … and until just before here, as long as nothing but the clock changes. */
  readonly until: number;
  /** When nothing will be left. */
  readonly end: number;
  /** Capability name → when it will be withheld; only where that is to come. */
  readonly ends: ReadonlyMap<string, number>;
}

/** The limits where there is no policy. */
export const noLimits: TimedLimits = {
  everything: undefined,
  capabilities: new Map(),
  since: Number.NEGATIVE_INFINITY,
  until: Number.POSITIVE_INFINITY,
  end: Number.POSITIVE_INFINITY,
  ends: new Map(),
};

/**
 * Finds what the policy takes from an authorization at one moment. Pure and total.
 *
 * A lifetime counts from the moment at which its end was last chosen, and is over when as many seconds have gone by as the policy
 * allows: whatever end was chosen then, "until revoked" included, which so means "until revoked, and no longer than the policy
 * allows". Choosing again, at consent or in the editor, starts it anew; an edit that leaves the end as it is does not. While an addition
 * runs, its own beginning is what the lifetimes of its capabilities count from; that of the whole authorization stays what it is.
 *
 * @param now integer seconds
 */
export function limitsOf(policy: Policy, delegation: Delegation, now: number): TimedLimits {
  const { kind, renewedAt, followsOwner, approvals, additions = [] } = delegation;
  if (followsOwner) return noLimits;
  // What the clock alone ends, additions among it.
  const bounds = additions.map(({ until }) => until);
  const endAfter = (seconds: number, from: number): number => {
    bounds.push(from + seconds);
    return from + seconds;
  };

  const longestOfAll = policy.longest[kind];
  const end = longestOfAll === null ? Number.POSITIVE_INFINITY : endAfter(longestOfAll, renewedAt);
  const capabilities = new Map<string, 'policy' | 'approval_pending'>();
  const ends = new Map<string, number>();
  for (const [name, { longest, approval }] of policy.capabilities) {
    let endOfOne = Number.POSITIVE_INFINITY;
    if (longest !== null) {
      const carrying = additions.filter((addition) => addition.capabilities.includes(name));
      endAfter(longest, begunAt(renewedAt, carrying, now));
      endOfOne = endOfCapability(longest, renewedAt, carrying, now);
    }
    if (endOfOne <= now) capabilities.set(name, 'policy');
    else if (endOfOne < Number.POSITIVE_INFINITY) ends.set(name, endOfOne);
    const status = approvals.get(name);
    if (approval && status !== 'approved' && !capabilities.has(name)) {
      capabilities.set(name, status === 'pending' ? 'approval_pending' : 'policy');
    }
  }
  const permitted = isPermitted(policy, delegation);
  return {
    everything: !permitted ? 'client_not_permitted' : end <= now ? 'too_old' : undefined,
    capabilities,
    since: Math.max(Number.NEGATIVE_INFINITY, ...bounds.filter((bound) => bound <= now)),
    until: Math.min(Number.POSITIVE_INFINITY, ...bounds.filter((bound) => bound > now)),
    end,
    ends,
  };
}

/** When a capability was last chosen: with the whole authorization, or in an addition that runs. */
function begunAt(renewedAt: number, carrying: readonly Addition[], at: number): number {
  return Math.max(renewedAt, ...runningAdditions(carrying, at).map((addition) => addition.at));
}

/** When a capability has lived for as long as it may. Where an addition ends before that, an older choice may be all that is left of it. */
function endOfCapability(
  longest: number,
  renewedAt: number,
  carrying: readonly Addition[],
  now: number,
): number {
  let at = now;
  for (;;) {
    const end = begunAt(renewedAt, carrying, at) + longest;
    const next = Math.min(
      Number.POSITIVE_INFINITY,
      ...runningAdditions(carrying, at).map(({ until }) => until),
    );
    if (end <= next) return Math.max(end, at);
    at = next;
  }
}

/** An API key has no client; an authorization whose client is gone is judged as one of a client that nothing is known of. */
function isPermitted({ clients }: Policy, { kind, client }: Delegation): boolean {
  if (kind === 'api_key' || !restrictsClients(clients)) return true;
  return client !== undefined && clientRefusal(client, clients) === undefined;
}

/**
 * Lists the capabilities among some for which approval has to be asked: needed, and neither given nor waited for. Pure.
 * @param names capability names
 */
export function approvalsToAsk(
  names: readonly string[],
  policy: Policy,
  approvals: ReadonlyMap<string, ApprovalStatus>,
): string[] {
  return names.filter((name) => {
    const status = approvals.get(name);
    return policy.capabilities.get(name)?.approval === true && status !== 'approved' && status !== 'pending';
  });
}
