/**
 * Judges what an API key may carry, and who may make or keep one. A key is bounded by its owner's live rights, never by those
 * of whoever makes it. Does not know secrets or rows; `effective.ts` asks again at every question.
 */

import { broughtByRole } from './administration.ts';
import { boundChoice, type Choice, type Dropped, delegableCapabilities } from './consent-decision.ts';
import type { Live, World } from './vocabulary.ts';

/** What was chosen for an authorization: for an API key also roles, carried by reference. */
export interface Slice extends Choice {
  /** Role ids at the level of the organization; always empty for OAuth. */
  readonly roles: readonly string[];
}

/** One chosen item that did not become part of the grant. */
export type DroppedItem =
  | Dropped
  | {
      readonly dimension: 'organization_role';
      readonly identifier: string;
      readonly why: 'not_yours' | 'unknown';
    };

/** The judgement of a choice; both kinds carry what was dropped on the way. */
export type SliceDecision =
  | { readonly kind: 'granted'; readonly granted: Slice; readonly dropped: readonly DroppedItem[] }
  /** Neither a capability nor a role that has one is left: an authorization of nothing is not made. */
  | {
      readonly kind: 'refused';
      readonly reason: 'nothing_chosen';
      readonly dropped: readonly DroppedItem[];
    };

/**
 * Lists the roles that a key of this owner may carry now. Pure. A suspended owner may carry none.
 * A role must have a capability, and the owner must hold each of them where it is bounded.
 *
 * @returns Role ids, in the order of `world.roles`.
 */
export function offeredKeyRoles(live: Live, world: World): string[] {
  const held = new Set(delegableCapabilities(live, world));
  const offered: string[] = [];
  for (const [id, { permissions }] of world.roles) {
    const carried = broughtByRole(permissions).filter((name) => world.catalogue.has(name));
    if (carried.length > 0 && carried.every((name) => held.has(name))) offered.push(id);
  }
  return offered;
}

/**
 * Decides what a new API key grants. Pure and total: never throws, whatever the strings are.
 *
 * @param choice What was posted.
 * @param live What the key's owner may do now.
 * @param world Every project, MCP server and role that exists now.
 */
export function decideKey(choice: Slice, live: Live, world: World): SliceDecision {
  const bounded = boundSlice(choice, live, world);
  return isNothing(bounded.granted)
    ? { kind: 'refused', reason: 'nothing_chosen', dropped: bounded.dropped }
    : { kind: 'granted', ...bounded };
}

/** Cuts a choice down to what its owner may hand over now. Pure and total. */
export function boundSlice(
  choice: Slice,
  live: Live,
  world: World,
): { readonly granted: Slice; readonly dropped: readonly DroppedItem[] } {
  const { granted, dropped } = boundChoice(choice, live, world);
  const offered = new Set(offeredKeyRoles(live, world));
  const named = [...new Set(choice.roles)];
  return {
    granted: { ...granted, roles: named.filter((id) => offered.has(id)) },
    dropped: [
      ...dropped,
      ...named
        .filter((id) => !offered.has(id))
        .map((identifier) => ({
          dimension: 'organization_role' as const,
          identifier,
          why: world.roles.has(identifier) ? ('not_yours' as const) : ('unknown' as const),
        })),
    ],
  };
}

/** Tells whether a choice holds nothing that an authorization could be made of. Pure. */
export function isNothing({ capabilities, roles }: Slice): boolean {
  return capabilities.length === 0 && roles.length === 0;
}

/** Whoever asks to make or keep an authorization. */
export interface Keeper {
  readonly id: string;
  readonly live: Live;
}

/** Whose authorization it is, or is going to be. */
export interface KeptFor {
  readonly id: string;
  readonly kind: 'person' | 'service_account';
}

/** A refusal names what would have been enough. */
export type KeyPermission =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'refused'; readonly missing: KeyManagementPermission };

/** The management permissions that this file asks for; they count at the organization alone. */
export type KeyManagementPermission =
  | 'api-keys.create'
  | 'api-keys.manage'
  | 'service-accounts.create'
  | 'service-accounts.update';

/**
 * Decides whether somebody may make an API key for this owner. Pure.
 * For oneself it takes `api-keys.create`; for anyone `api-keys.manage`; for a service account `service-accounts.create` will do.
 */
export function mayCreateKey(by: Keeper, owner: KeptFor): KeyPermission {
  if (owner.id === by.id) return needs(by, 'api-keys.create');
  if (holds(by, 'api-keys.manage')) return { kind: 'allowed' };
  return needs(by, owner.kind === 'service_account' ? 'service-accounts.create' : 'api-keys.manage');
}

/**
 * Decides whether somebody may see and change an authorization of this owner. Pure.
 * Its owner may; for keys whoever holds `api-keys.manage`; for those of a service account whoever holds
 * `service-accounts.update`.
 */
export function mayKeep(by: Keeper, kind: 'oauth2' | 'api_key', owner: KeptFor): KeyPermission {
  if (owner.id === by.id) return { kind: 'allowed' };
  if (kind === 'api_key' && holds(by, 'api-keys.manage')) return { kind: 'allowed' };
  return needs(by, owner.kind === 'service_account' ? 'service-accounts.update' : 'api-keys.manage', kind);
}

function holds({ live }: Keeper, permission: KeyManagementPermission): boolean {
  return live.status === 'active' && live.organization.has(permission);
}

function needs(by: Keeper, missing: KeyManagementPermission, kind?: 'oauth2' | 'api_key'): KeyPermission {
  // What a person handed to a tool is theirs alone: nothing about keys opens it.
  const opens = !(kind === 'oauth2' && missing === 'api-keys.manage');
  return opens && holds(by, missing) ? { kind: 'allowed' } : { kind: 'refused', missing };
}
