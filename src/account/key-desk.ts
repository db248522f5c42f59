/**
 * The one desk at which API keys are made, changed and handed over: the pages, the JSON API and so the command line all come
 * here. Owns the order of the questions (may they, may the owner, is anything left); each answer is `policy`'s. A key is made
 * in two steps, so that whoever asks can be shown what it amounts to, or asked for a password, in between.
 */
import type { ApiKeyStore } from '../authorizations/api-key-store.ts';
import type { Authorization } from '../authorizations/authorization.ts';
import {
  type AuthorizationEditor,
  contentOf,
  type EditedContent,
  type EditOutcome,
} from '../authorizations/authorization-editor.ts';
import type { Actor } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import type { LiveAccess, LiveAccessSource } from '../directory/live-access.ts';
import type { WorldSource } from '../directory/world.ts';
import { administration, mayHandOutAdministration } from '../policy/administration.ts';
import { decideEdit } from '../policy/edit-decision.ts';
import {
  boundSlice,
  type DroppedItem,
  decideKey,
  isNothing,
  type KeyManagementPermission,
  mayCreateKey,
  type Slice,
  type SliceDecision,
} from '../policy/key-decision.ts';
import type { World } from '../policy/vocabulary.ts';
import { addsSensitive } from './reauthentication.ts';

/** The longest time for which a rotated secret may go on working beside its successor, in hours. */
export const longestOverlapHours = 168;

/** A key that may be made as it stands. Only `judge` says so. */
export interface AllowedKey {
  readonly kind: 'allowed';
  readonly owner: LiveAccess;
  readonly world: World;
  readonly granted: Slice;
  /** It hands over something sensitive: whoever makes it has to be there themselves. */
  readonly sensitive: boolean;
}

export type KeyJudgement =
  | AllowedKey
  /** They may not make a key for this owner; `missing` would be enough. */
  | { readonly kind: 'forbidden'; readonly missing: KeyManagementPermission }
  /** The owner is suspended or not there. */
  | { readonly kind: 'no_owner' }
  /** Part of it is not the owner's to hand over; nothing is made of the rest unasked. */
  | {
      readonly kind: 'not_granted';
      readonly owner: LiveAccess;
      readonly world: World;
      readonly dropped: readonly DroppedItem[];
    }
  | { readonly kind: 'nothing_chosen'; readonly owner: LiveAccess };

/** An authorization, its owner and what exists, as found for whoever asks. */
export interface FoundForEdit {
  readonly authorization: Authorization;
  readonly owner: LiveAccess;
  readonly world: World;
}

export type RotateKeyOutcome =
  | { readonly outcome: 'done'; readonly secret: string; readonly oldEndsAt: number }
  | { readonly outcome: 'gone' }
  /** It administers Mandate as somebody else: a new secret would make whoever rotates it them. */
  | { readonly outcome: 'not_theirs' };

export type MoveKeyOutcome = EditOutcome | { readonly outcome: 'nothing_left' };

export interface KeyDesk {
  /** Finds the owner of a key that is going to be made. Nothing is told of an owner that they may not make one for. */
  ownerFor(
    by: LiveAccess,
    ownerId: string,
  ): Promise<
    | { readonly kind: 'owner'; readonly owner: LiveAccess }
    | Exclude<KeyJudgement, AllowedKey | { owner: unknown }>
  >;
  /** Judges a key before it is made. */
  judge(by: LiveAccess, ownerId: string, slice: Slice): Promise<KeyJudgement>;
  /** Makes a key that was judged: the one place where keys begin. @returns its secret, for this once */
  create(
    actor: Actor,
    allowed: AllowedKey,
    key: { readonly name: string; readonly expiresAt: number | null },
  ): Promise<{ authorization: Authorization; secret: string }>;
  /** Judges what an authorization of either kind shall say from now on. */
  judgeEdit(by: LiveAccess, found: FoundForEdit, slice: Slice): SliceDecision;
  /** Gives a key a new secret. @param overlapSeconds how long the old one goes on; at most a week */
  rotate(
    by: LiveAccess,
    actor: Actor,
    found: FoundForEdit,
    overlapSeconds: number,
  ): Promise<RotateKeyOutcome>;
  /** Gives a key to another owner, bounded by them. @param version the one that was looked at */
  move(actor: Actor, found: FoundForEdit, version: number, heir: LiveAccess): Promise<MoveKeyOutcome>;
}

export function createKeyDesk(deps: {
  apiKeys: ApiKeyStore;
  authorizationEditor: AuthorizationEditor;
  liveAccess: LiveAccessSource;
  worldSource: WorldSource;
  clock: Clock;
}): KeyDesk {
  const { apiKeys, authorizationEditor, liveAccess, worldSource, clock } = deps;

  const ownerFor: KeyDesk['ownerFor'] = async (by, ownerId) => {
    const owner = ownerId === by.user.id ? by : await liveAccess.read(ownerId);
    const keeper = { id: by.user.id, live: by.live };
    const permission = mayCreateKey(keeper, owner?.user ?? { id: '', kind: 'person' });
    if (permission.kind === 'refused') return { kind: 'forbidden', missing: permission.missing };
    return owner?.live.status === 'active' ? { kind: 'owner', owner } : { kind: 'no_owner' };
  };

  return {
    ownerFor,

    async judge(by, ownerId, slice) {
      const found = await ownerFor(by, ownerId);
      if (found.kind !== 'owner') return found;
      const { owner } = found;
      const world = await worldSource.whole();
      const { choice, dropped } = withoutForeignAdministration(slice, undefined, by, owner, world);
      const verdict = decideKey(choice, owner.live, world);
      const all = [...dropped, ...verdict.dropped];
      if (all.length > 0) return { kind: 'not_granted', owner, world, dropped: all };
      if (verdict.kind === 'refused') return { kind: 'nothing_chosen', owner };
      const { granted } = verdict;
      return { kind: 'allowed', owner, world, granted, sensitive: addsSensitive(granted, undefined, world) };
    },

    create: (actor, { owner, granted }, { name, expiresAt }) =>
      apiKeys.create(actor, { userId: owner.user.id, name, ...granted, expiresAt }),

    judgeEdit(by, { authorization, owner, world }, slice) {
      const { choice, dropped } = withoutForeignAdministration(slice, authorization, by, owner, world);
      const decision = decideEdit(choice, authorization, owner.live, world);
      return { ...decision, dropped: [...dropped, ...decision.dropped] };
    },

    async rotate(by, actor, { authorization, owner, world }, overlapSeconds) {
      const administers = authorization.capabilities.includes(administration);
      if (administers && !mayHandOutAdministration(by, owner, world)) return { outcome: 'not_theirs' };
      const overlap = Math.min(overlapSeconds, longestOverlapHours * 3_600);
      const rotated = await apiKeys.rotate(actor, authorization.id, overlap);
      return rotated.outcome === 'gone' ? rotated : { ...rotated, oldEndsAt: clock.now() + overlap };
    },

    async move(actor, { authorization, world }, version, heir) {
      // Whoever has the secret goes on having it: what it administers is never handed on with it.
      const capabilities = authorization.capabilities.filter((name) => name !== administration);
      const { granted } = boundSlice({ ...authorization, capabilities }, heir.live, world);
      if (isNothing(granted)) return { outcome: 'nothing_left' };
      const content: EditedContent = { ...contentOf(authorization), ...granted };
      return authorizationEditor.move(actor, authorization.id, version, heir.user.id, content);
    },
  };
}

/**
 * Takes the right to administer Mandate out of a choice that must not add it. Pure. A key gets it from its owner, or for a
 * service account from whoever holds all that the account holds; a tool only where it asked for it by name.
 */
function withoutForeignAdministration(
  slice: Slice,
  before: Authorization | undefined,
  by: LiveAccess,
  owner: LiveAccess,
  world: World,
): { choice: Slice; dropped: readonly DroppedItem[] } {
  const had = before?.capabilities.includes(administration) === true;
  const asked = before === undefined || before.kind === 'api_key' || before.asked.includes(administration);
  if (!slice.capabilities.includes(administration) || had) return { choice: slice, dropped: [] };
  if (asked && mayHandOutAdministration(by, owner, world)) return { choice: slice, dropped: [] };
  return {
    choice: { ...slice, capabilities: slice.capabilities.filter((name) => name !== administration) },
    dropped: [{ dimension: 'capability', identifier: administration, why: 'not_yours' }],
  };
}
