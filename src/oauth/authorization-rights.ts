/**
 * What an authorization allows at this moment: loads what it says, what its owner may do and what exists, and asks the policy.
 * The one way in which the protocol side learns of rights.
 */
import type { Authorization } from '../authorizations/authorization.ts';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import { toGranted } from '../authorizations/to-granted.ts';
import type { Clock } from '../clock.ts';
import type { LiveAccess, LiveAccessSource } from '../directory/live-access.ts';
import type { WorldSource } from '../directory/world.ts';
import type { PolicyLimits } from '../policies/policy-limits.ts';
import { effective } from '../policy/effective.ts';
import type { TimedLimits } from '../policy/limits.ts';
import type { Effective, Granted, World } from '../policy/vocabulary.ts';
import { wholeOf } from '../policy/whole.ts';

/** An authorization with everything that the rule needs, read at one moment. */
export interface Rights {
  readonly authorization: Authorization;
  readonly owner: LiveAccess;
  readonly world: World;
  readonly granted: Granted;
  /** What the organization's policy takes from it. */
  readonly limits: TimedLimits;
  readonly effective: Effective;
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
  clock: Clock;
}): AuthorizationRights {
  const { authorizations, liveAccess, worldSource, policyLimits, clock } = deps;
  return {
    async of(authorizationId) {
      const authorization = await authorizations.find(authorizationId);
      if (!authorization) return undefined;
      const [owner, world, limits] = await Promise.all([
        liveAccess.read(authorization.userId),
        authorization.followsOwner
          ? worldSource.whole()
          : worldSource.of({
              projects: authorization.projects.map(({ id }) => id),
              mcpServers: authorization.mcpServers,
            }),
        policyLimits.of(authorization),
      ]);
      if (!owner) return undefined;
      const stored = toGranted(authorization, clock.now());
      const granted = authorization.followsOwner
        ? { ...wholeOf(owner.live, world, owner.assigned), standing: stored.standing }
        : stored;
      return {
        authorization,
        owner,
        world,
        granted,
        limits,
        effective: effective(granted, owner.live, world, limits),
      };
    },
  };
}
