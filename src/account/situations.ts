/** Reads what the pages of an authorization look at, and finds out whether whoever looks may. Owns no rule: `policy` decides. */
import type { Authorization } from '../authorizations/authorization.ts';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import { toGranted } from '../authorizations/to-granted.ts';
import type { RemovedUsers } from '../changes/removed-users.ts';
import type { ClientStore } from '../clients/client-store.ts';
import type { Clock } from '../clock.ts';
import type { LiveAccess, LiveAccessSource } from '../directory/live-access.ts';
import type { UserStore } from '../directory/user-store.ts';
import type { WorldSource } from '../directory/world.ts';
import type { ClientFacts } from '../interaction/client-face.ts';
import { factsOf } from '../interaction/client-facts.ts';
import { type AssertionIssuer, actorOf } from '../oauth/assertion-issuer.ts';
import type { Approval, ApprovalStore } from '../policies/approval-store.ts';
import type { PolicyLimits } from '../policies/policy-limits.ts';
import type { PolicyStore } from '../policies/policy-store.ts';
import { type Addition, withAdditions } from '../policy/additions.ts';
import { effective } from '../policy/effective.ts';
import { mayKeep, type Slice } from '../policy/key-decision.ts';
import type { TimedLimits } from '../policy/limits.ts';
import type { Policy } from '../policy/policy.ts';
import type { Effective, Granted, World } from '../policy/vocabulary.ts';
import { wholeOf } from '../policy/whole.ts';

/** An authorization that somebody may see, with everything that its page needs. */
export interface Situation {
  readonly authorization: Authorization;
  readonly owner: LiveAccess;
  readonly world: World;
  readonly client: ClientFacts | undefined;
  readonly effective: Effective;
  /** What the organization's policy takes from it. */
  readonly limits: TimedLimits;
  readonly policy: Policy;
  /** Its requests for an administrator's approval. */
  readonly approvals: readonly Approval[];
  /** It is somebody else's. */
  readonly foreign: boolean;
}

export type Situations = ReturnType<typeof createSituations>;

export function createSituations(deps: {
  authorizations: AuthorizationStore;
  liveAccess: LiveAccessSource;
  worldSource: WorldSource;
  clients: ClientStore;
  users: UserStore;
  removedUsers: RemovedUsers;
  policyLimits: PolicyLimits;
  policies: Pick<PolicyStore, 'read'>;
  approvals: Pick<ApprovalStore, 'of'>;
  assertionIssuers?: readonly AssertionIssuer[] | undefined;
  clock: Clock;
}) {
  const { authorizations, liveAccess, worldSource, clients, users, removedUsers, clock } = deps;

  /** Asks the rule about authorizations of one owner. */
  function judge(
    authorization: Authorization,
    owner: LiveAccess,
    world: World,
    limits: TimedLimits,
  ): Effective {
    const stored = toGranted(authorization, clock.now());
    const granted: Granted = authorization.followsOwner
      ? { ...wholeOf(owner.live, world, owner.assigned), standing: stored.standing }
      : stored;
    return effective(granted, owner.live, world, limits);
  }

  async function clientOf(id: string | null): Promise<ClientFacts | undefined> {
    const client = id === null ? undefined : await clients.find(id);
    return client && factsOf(client);
  }

  return {
    judge,
    clientOf,
    limitsOf: deps.policyLimits.ofAll,
    /** Finds an authorization for whoever looks. @returns undefined when it is not theirs to see, or is not there: the same */
    async find(person: LiveAccess, id: string): Promise<Situation | undefined> {
      const authorization = await authorizations.find(id);
      const owner = authorization && (await liveAccess.read(authorization.userId));
      if (!authorization || !owner) return undefined;
      const keeper = { id: person.user.id, live: person.live };
      if (mayKeep(keeper, authorization.kind, owner.user).kind === 'refused') return undefined;
      const [world, client, limits, { policy }, approvals] = await Promise.all([
        worldSource.whole(),
        clientOf(authorization.clientId),
        deps.policyLimits.of(authorization),
        deps.policies.read(),
        deps.approvals.of([id]),
      ]);
      return {
        authorization,
        owner,
        world,
        client,
        effective: judge(authorization, owner, world, limits),
        limits,
        policy,
        approvals,
        foreign: owner.user.id !== person.user.id,
      };
    },
    /** What a slice would amount to now as this authorization's own. @param additions what it holds beside that for a while */
    effectOf(
      { authorization, owner, world, limits }: Situation,
      slice: Slice,
      additions: readonly Addition[] = authorization.additions,
    ): Effective {
      const now = clock.now();
      const { standing } = toGranted(authorization, now);
      const granted = withAdditions({ standing, ...slice }, additions, now);
      return effective(granted, owner.live, world, limits);
    },
    /** Names whoever made a change, as people read it. */
    async nameActor(id: string): Promise<string> {
      if (!id.startsWith('usr_')) {
        return deps.assertionIssuers?.find((issuer) => actorOf(issuer) === id)?.label ?? id;
      }
      const known = (await users.findById(id))?.email;
      return known ?? (await removedUsers.addressesOf([id])).get(id) ?? id;
    },
  };
}
