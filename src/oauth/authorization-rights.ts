/**
 * What an authorization allows at this moment: loads what it says, what its owner may do and what exists, and asks the policy.
 * The one way in which the protocol side learns of rights.
 */
import type { Authorization } from '../authorizations/authorization.ts';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import { standingOf, toGranted } from '../authorizations/to-granted.ts';
import type { ClientStore } from '../clients/client-store.ts';
import type { Clock } from '../clock.ts';
import type { LiveAccess, LiveAccessSource } from '../directory/live-access.ts';
import type { WorldSource } from '../directory/world.ts';
import type { PolicyLimits } from '../policies/policy-limits.ts';
import { type Addition, runningAdditions } from '../policy/additions.ts';
import { effective } from '../policy/effective.ts';
import {
  additionsUnder,
  effectiveUnder,
  grantedUnder,
  limitsUnder,
  mostParents,
  withholdAll,
} from '../policy/handed-on.ts';
import type { TimedLimits } from '../policy/limits.ts';
import type { Effective, Granted, World } from '../policy/vocabulary.ts';
import { wholeOf } from '../policy/whole.ts';

const nothing: Effective = { organization: [], projects: [], mcpServers: [], withheld: [] };

/**
 * An authorization with everything that the rule needs, read at one moment. One that was handed on ends with the first of those above
 * it to end, and its version moves with theirs.
 */
export interface Rights {
  readonly authorization: Authorization;
  readonly owner: LiveAccess;
  readonly world: World;
  readonly granted: Granted;
  /** What of it was added for a while; each of these ends by itself. */
  readonly additions: readonly Addition[];
  /** What the organization's policy takes from it. */
  readonly limits: TimedLimits;
  readonly effective: Effective;
  /** What it was made of, if it was handed on. */
  readonly parent: Rights | undefined;
}

export interface AuthorizationRights {
  /** @returns undefined when the authorization or its owner does not exist */
  of(authorizationId: string): Promise<Rights | undefined>;
}

export function createAuthorizationRights(deps: {
  authorizations: AuthorizationStore;
  liveAccess: LiveAccessSource;
  worldSource: WorldSource;
  policyLimits: PolicyLimits;
  clients: Pick<ClientStore, 'find'>;
  clock: Clock;
}): AuthorizationRights {
  const { authorizations, liveAccess, worldSource, policyLimits, clock } = deps;
  return { of: (id) => of(id) };

  async function of(authorizationId: string, below = 0): Promise<Rights | undefined> {
    const authorization = await authorizations.find(authorizationId);
    if (!authorization) return undefined;
    if (authorization.parentId !== null) return under(authorization, authorization.parentId, below);
    const mentioned = toGranted(authorization, clock.now());
    const [owner, world, limits] = await Promise.all([
      liveAccess.read(authorization.userId),
      authorization.followsOwner
        ? worldSource.whole()
        : worldSource.of({
            projects: mentioned.projects.map(({ id }) => id),
            mcpServers: mentioned.mcpServers,
          }),
      policyLimits.of(authorization),
    ]);
    if (!owner) return undefined;
    const now = clock.now();
    // All of it is of one moment: where time took something away while it was read, it is read again.
    if (now < limits.since || limits.until <= now) return of(authorizationId, below);
    const stored = toGranted(authorization, now);
    const granted = authorization.followsOwner
      ? { ...wholeOf(owner.live, world, owner.assigned), standing: stored.standing }
      : stored;
    return {
      authorization,
      owner,
      world,
      granted,
      additions: runningAdditions(authorization.additions, now),
      limits,
      effective: effective(granted, owner.live, world, limits),
      parent: undefined,
    };
  }

  /** Rights that were handed on: a ceiling over those of the parent, whose client has to stand as well. */
  async function under(
    authorization: Authorization,
    parentId: string,
    below: number,
  ): Promise<Rights | undefined> {
    const { handedOn } = authorization;
    if (!handedOn || below >= mostParents) return undefined;
    const [parent, limits] = await Promise.all([of(parentId, below + 1), policyLimits.of(authorization)]);
    if (!parent) return undefined;
    const { clientId } = parent.authorization;
    const client = clientId === null ? undefined : await deps.clients.find(clientId);
    const isPaused = clientId !== null && (!client || client.disabled);
    const own = standingOf(authorization, clock.now());
    const granted = grantedUnder(handedOn, own === 'active' && isPaused ? 'suspended' : own, parent.granted);
    const { catalogue } = parent.world;
    const held =
      granted.standing === 'active' ? effectiveUnder(handedOn, parent.effective, catalogue) : nothing;
    const ends = [authorization, parent.authorization].flatMap(({ expiresAt }) => expiresAt ?? []);
    return {
      ...parent,
      authorization: {
        ...authorization,
        version: authorization.version + parent.authorization.version,
        expiresAt: ends.length === 0 ? null : Math.min(...ends),
      },
      granted,
      additions: additionsUnder(parent.additions, catalogue),
      limits: limitsUnder(limits, parent.limits, catalogue),
      effective: limits.everything === undefined ? held : withholdAll(held),
      parent,
    };
  }
}
