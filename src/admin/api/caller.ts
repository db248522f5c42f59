/** Who asks the administration for something, and what they may do at this moment. */

import type { Authorization } from '../../authorizations/authorization.ts';
import type { Actor } from '../../changes/change-log.ts';
import type { LiveAccess, LiveAccessSource } from '../../directory/live-access.ts';
import { ownerSlug } from '../../directory/owners.ts';
import type { RoleStore } from '../../directory/role-store.ts';

/** How somebody asks. */
export type Via =
  /** Themselves, in a browser; integer seconds of their sign-in. */
  | { readonly kind: 'session'; readonly signedInAt: number }
  /** A tool, with a token of theirs. */
  | {
      readonly kind: 'token';
      readonly authorization: Authorization;
      /** Undefined for an API key. */
      readonly clientId: string | undefined;
    };

export interface Caller {
  readonly id: string;
  readonly access: LiveAccess;
  /** Held on the organization: the only place where management permissions count. */
  readonly permissions: ReadonlySet<string>;
  /** Only an Owner changes Owners. */
  readonly isOwner: boolean;
  readonly actor: Actor;
  readonly via: Via;
}

/**
 * Reads who asks, as of now.
 * @returns undefined when the account is gone or suspended
 */
export async function readCaller(
  deps: { liveAccess: LiveAccessSource; roles: RoleStore },
  userId: string,
  origin: string,
  via: Via,
): Promise<Caller | undefined> {
  const [access, owner] = await Promise.all([deps.liveAccess.read(userId), deps.roles.findBySlug(ownerSlug)]);
  if (access?.live.status !== 'active') return undefined;
  return {
    id: userId,
    access,
    permissions: access.live.organization,
    isOwner: owner !== undefined && access.assigned.organization.includes(owner.id),
    actor: { id: userId, origin },
    via,
  };
}
