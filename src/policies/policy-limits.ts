/** Reads what the policy takes from authorizations at this moment: the policy, their approvals and their clients. Decides nothing. */
import type { Clock } from '../clock.ts';
import type { Addition } from '../policy/additions.ts';
import { restrictsClients } from '../policy/client-permission.ts';
import { type ApprovalStatus, limitsOf, type TimedLimits } from '../policy/limits.ts';
import type { Policy } from '../policy/policy.ts';
import type { ApprovalStore } from './approval-store.ts';
import { type JudgedClient, standingOf } from './client-standing.ts';
import type { PolicyStore } from './policy-store.ts';

/** The part of an authorization that the policy looks at. */
export interface LimitedAuthorization {
  readonly id: string;
  readonly kind: 'oauth2' | 'api_key';
  readonly clientId: string | null;
  readonly followsOwner: boolean;
  readonly renewedAt: number;
  readonly additions: readonly Addition[];
  /** What it was handed on from. */
  readonly parentId: string | null;
}

export interface PolicyLimits {
  of(authorization: LimitedAuthorization): Promise<TimedLimits>;
  /**
   * Reads the limits of several at once.
   * @param policy to ask about, where it is not the one in force
   * @returns by authorization id, each of them
   */
  ofAll(
    authorizations: readonly LimitedAuthorization[],
    policy?: Policy,
  ): Promise<ReadonlyMap<string, TimedLimits>>;
}

export function createPolicyLimits(deps: {
  policies: Pick<PolicyStore, 'read'>;
  approvals: Pick<ApprovalStore, 'of'>;
  clients: { find(id: string): Promise<JudgedClient | undefined> };
  clock: Clock;
}): PolicyLimits {
  const { policies, approvals, clients, clock } = deps;

  const ofAll: PolicyLimits['ofAll'] = async (authorizations, supposed) => {
    const policy = supposed ?? (await policies.read()).policy;
    const delegated = authorizations.filter(({ followsOwner }) => !followsOwner);
    const [statuses, standings] = await Promise.all([
      readApprovals(delegated, policy),
      readClients(delegated, policy),
    ]);
    const now = clock.now();
    return new Map(
      authorizations.map(({ id, kind, clientId, followsOwner, renewedAt, additions, parentId }) => {
        const client = clientId === null ? undefined : standings.get(clientId);
        const known = statuses.get(id) ?? none;
        const delegation = { kind, renewedAt, followsOwner, client, approvals: known, additions };
        return [id, limitsOf(parentId === null ? policy : onlyClients(policy), delegation, now)];
      }),
    );
  };
  return {
    ofAll,
    async of(authorization) {
      const limits = (await ofAll([authorization])).get(authorization.id);
      if (!limits) throw new Error('the limits of an authorization were not found');
      return limits;
    },
  };

  async function readApprovals(authorizations: readonly LimitedAuthorization[], { capabilities }: Policy) {
    const found = new Map<string, Map<string, ApprovalStatus>>();
    if (![...capabilities.values()].some(({ approval }) => approval)) return found;
    for (const { authorizationId, capability, status } of await approvals.of(
      authorizations.map(({ id }) => id),
    )) {
      found.set(authorizationId, (found.get(authorizationId) ?? new Map()).set(capability, status));
    }
    return found;
  }

  /** Reads clients only where the policy tells them apart. */
  async function readClients(authorizations: readonly LimitedAuthorization[], policy: Policy) {
    const standings = new Map<string, ReturnType<typeof standingOf>>();
    if (!restrictsClients(policy.clients)) return standings;
    for (const id of new Set(authorizations.flatMap(({ clientId }) => clientId ?? []))) {
      const client = await clients.find(id);
      if (client) standings.set(id, standingOf(client));
    }
    return standings;
  }
}

/** What was handed on is as old, and was approved as far, as what it came from; only who holds it is another one. */
const onlyClients = (policy: Policy): Policy => ({
  ...policy,
  longest: { oauth2: null, api_key: null },
  capabilities: new Map(),
});

const none: ReadonlyMap<string, ApprovalStatus> = new Map();
