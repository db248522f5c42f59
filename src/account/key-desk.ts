/**
 * The one desk at which API keys are made, changed and handed over: the pages, the JSON API and so the command line all come
 * here. Owns the order of the questions (may they, may the owner, is anything left); each answer is `policy`'s. A key is made
 * in two steps, so that whoever asks can be shown what it amounts to, or asked for a password, in between.
 */
import type { Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { ApiKeyStore } from '../authorizations/api-key-store.ts';
import type { Authorization } from '../authorizations/authorization.ts';
import {
  type AuthorizationEditor,
  type ChangeOutcome,
  contentOf,
  type EditedContent,
  type EndAdditionOutcome,
  type NewAddition,
} from '../authorizations/authorization-editor.ts';
import type { Actor } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import type { LiveAccess, LiveAccessSource } from '../directory/live-access.ts';
import type { WorldSource } from '../directory/world.ts';
import type { ApprovalRequest, ApprovalStore } from '../policies/approval-store.ts';
import type { PolicyStore } from '../policies/policy-store.ts';
import { runningAdditions } from '../policy/additions.ts';
import { administration, mayHandOutAdministration, withoutAdministration } from '../policy/administration.ts';
import type { Choice } from '../policy/consent-decision.ts';
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
import type { Policy } from '../policy/policy.ts';
import { decideTerms, type Terms, type TermsDecision } from '../policy/terms-decision.ts';
import type { World } from '../policy/vocabulary.ts';
import { grantedNames } from './effect.ts';
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

/** A key that may be made on these terms. Only `agree` says so. */
export interface AgreedKey {
  readonly kind: 'agreed';
  readonly allowed: AllowedKey;
  /** Integer seconds; null: until revoked. */
  readonly expiresAt: number | null;
  readonly request: ApprovalRequest;
}

/** Terms that an edit may be made on. */
export interface AgreedEdit {
  readonly kind: 'agreed';
  readonly expiresAt: number | null;
  /** What it adds for a while, bounded by every end that comes first. */
  readonly addition?: NewAddition;
  /** It gives something sensitive more time than policy left it: whoever edits has to be there themselves. */
  readonly renewsSensitive: boolean;
  /** Keeps the requests for approval in line with the edit; absent where they are. */
  readonly inside?: (trx: Transaction<Database>) => Promise<void>;
}

/** Why something is not handed over on these terms. */
export type TermsRefusal =
  | Exclude<TermsDecision, { kind: 'agreed' }>
  /** Roles of a key and the right to administer Mandate are handed over for good, or not at all. `items`: their names. */
  | { readonly kind: 'not_for_a_while'; readonly items: readonly string[] };

/** What of an edit shall hold for a while only, as `splitAddition` parts it. */
export interface ForAWhile {
  readonly added: Choice;
  /** Role ids. */
  readonly addedRoles: readonly string[];
  readonly seconds: number;
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

export type MoveKeyOutcome = ChangeOutcome | { readonly outcome: 'nothing_left' };

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
  /** Judges for how long a key is going to be, and what is said of it, by the organization's policy. */
  agree(allowed: AllowedKey, terms: Terms): Promise<AgreedKey | TermsRefusal>;
  /** Makes a key that was judged: the one place where keys begin. @returns its secret, for this once */
  create(
    actor: Actor,
    agreed: AgreedKey,
    name: string,
  ): Promise<{ authorization: Authorization; secret: string }>;
  /** Judges what an authorization of either kind shall say from now on. */
  judgeEdit(by: LiveAccess, found: FoundForEdit, slice: Slice): SliceDecision;
  /**
   * Judges the terms of an edit by the organization's policy.
   * @param granted what the edit was judged to grant for good
   * @param forAWhile what it was judged to grant beside that
   */
  agreeEdit(
    actor: Actor,
    found: FoundForEdit,
    granted: Slice,
    terms: Terms,
    forAWhile?: ForAWhile,
  ): Promise<AgreedEdit | TermsRefusal>;
  /** Ends something that was added for a while, and the requests for approval that were about it alone. */
  endAddition(actor: Actor, id: string, additionId: string): Promise<EndAdditionOutcome>;
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
  policies: Pick<PolicyStore, 'read'>;
  approvals: Pick<ApprovalStore, 'of' | 'follow'>;
  clock: Clock;
}): KeyDesk {
  const { apiKeys, authorizationEditor, liveAccess, worldSource, policies, approvals, clock } = deps;

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
      const verdict = decideKey(slice, delegator(by, owner, world).live, world);
      if (verdict.dropped.length > 0) return { kind: 'not_granted', owner, world, dropped: verdict.dropped };
      if (verdict.kind === 'refused') return { kind: 'nothing_chosen', owner };
      const { granted } = verdict;
      return { kind: 'allowed', owner, world, granted, sensitive: addsSensitive(granted, undefined, world) };
    },

    async agree(allowed, terms) {
      const granted = grantedNames(allowed.granted, allowed.world);
      const { policy } = await policies.read();
      const decision = decideTerms(terms, { granted, before: [] }, 'api_key', policy, new Map());
      if (decision.kind !== 'agreed') return decision;
      const request = { granted, asked: decision.asked, justification: terms.justification };
      return { kind: 'agreed', allowed, expiresAt: endOf(terms, null, clock.now()), request };
    },

    create: (actor, { allowed: { owner, granted }, expiresAt, request }, name) =>
      apiKeys.create(actor, { userId: owner.user.id, name, ...granted, expiresAt }, (trx, id) =>
        approvals.follow(trx, actor, id, request),
      ),

    async agreeEdit(actor, { authorization, world }, slice, terms, forAWhile) {
      const { id, kind } = authorization;
      const now = clock.now();
      const added = forAWhile?.added.capabilities ?? [];
      const chosen = grantedNames({ ...slice, capabilities: [...slice.capabilities, ...added] }, world);
      const before = grantedNames(authorization, world);
      const [{ policy }, known] = await Promise.all([policies.read(), approvals.of([id])]);
      // Somebody agreed to what was there for good. What was added for a while is asked for again, however it comes back.
      const forGood = known.filter(({ capability }) => before.includes(capability));
      const statuses = new Map(forGood.map(({ capability, status }) => [capability, status]));
      const decision = decideTerms(terms, { granted: chosen, before }, kind, policy, statuses);
      if (decision.kind !== 'agreed') return decision;
      const expiresAt = endOf(terms, authorization.expiresAt, now);
      const addition = forAWhile && additionOf(forAWhile, { authorization, expiresAt, policy, world, now });
      if (addition && 'kind' in addition) return addition;
      const { asked } = decision;
      const granted = [...new Set([...chosen, ...namesForAWhile(authorization, now)])];
      const follows = asked.length > 0 || known.some(({ capability }) => !granted.includes(capability));
      const request = { granted, asked, justification: terms.justification };
      const bounded = (name: string) =>
        policy.longest[kind] !== null || (policy.capabilities.get(name)?.longest ?? null) !== null;
      return {
        kind: 'agreed',
        expiresAt,
        ...(addition && { addition }),
        renewsSensitive:
          terms.lifetime !== 'keep' &&
          grantedNames(slice, world).some((name) => world.catalogue.get(name)?.sensitive && bounded(name)),
        ...(follows && { inside: (trx) => approvals.follow(trx, actor, id, request) }),
      };
    },

    async endAddition(actor, id, additionId) {
      const world = await worldSource.whole();
      return authorizationEditor.endAddition(actor, id, additionId, async (trx, left) => {
        const known = await approvals.of([id], trx);
        const granted = [...grantedNames(left, world), ...namesForAWhile(left, clock.now())];
        if (known.every(({ capability }) => granted.includes(capability))) return;
        await approvals.follow(trx, actor, id, { granted, asked: [], justification: '' });
      });
    },

    judgeEdit(by, { authorization, owner, world }, slice) {
      const { live } = delegator(by, owner, world, authorization);
      return decideEdit(slice, authorization, live, world);
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
      const { id } = authorization;
      return authorizationEditor.move(actor, id, version, heir.user.id, content, async (trx) => {
        // Somebody agreed to it for whoever had it: for another owner it waits again.
        const names = grantedNames(granted, world);
        const known = await approvals.of([id], trx);
        const asked = known.map(({ capability }) => capability).filter((name) => names.includes(name));
        const [{ justification = '' } = {}] = known;
        if (known.length > 0)
          await approvals.follow(trx, actor, id, { granted: names, asked, justification });
      });
    },
  };
}

/**
 * The owner, as far as whoever asks may hand out their rights. Pure. The right to administer Mandate is among them for a key of
 * one's own, for one of a service account that holds no more than whoever asks, and for a tool that asked for it by name.
 * @param authorization the one that is edited, if one is
 */
export function delegator(
  by: LiveAccess,
  owner: LiveAccess,
  world: World,
  authorization?: Authorization,
): LiveAccess {
  const asked = authorization?.kind !== 'oauth2' || authorization.asked.includes(administration);
  return asked && mayHandOutAdministration(by, owner, world) ? owner : withoutAdministration(owner);
}

/** Capability names that an authorization holds for a while only. */
const namesForAWhile = ({ additions }: Authorization, now: number) =>
  runningAdditions(additions, now).flatMap(({ capabilities }) => capabilities);

/** What is added ends when the authorization does, by its own end or by policy, if that comes first. A policy's time is refused, not shortened. */
function additionOf(
  { added, addedRoles, seconds }: ForAWhile,
  {
    authorization: { kind, expiresAt: before, renewedAt },
    expiresAt,
    policy,
    world,
    now,
  }: {
    authorization: Authorization;
    expiresAt: number | null;
    policy: Policy;
    world: World;
    now: number;
  },
): NewAddition | TermsRefusal {
  const items = [
    ...added.capabilities.filter((name) => name === administration),
    ...addedRoles.map((id) => world.roles.get(id)?.name ?? id),
  ];
  if (items.length > 0) return { kind: 'not_for_a_while', items };
  for (const name of added.capabilities) {
    const longest = policy.capabilities.get(name)?.longest ?? null;
    if (longest !== null && longest < seconds) return { kind: 'too_long', longest };
  }
  const longest = policy.longest[kind];
  const byPolicy =
    longest === null ? Number.POSITIVE_INFINITY : (expiresAt === before ? renewedAt : now) + longest;
  if (longest !== null && byPolicy <= now) return { kind: 'too_long', longest };
  return { ...added, until: Math.min(now + seconds, expiresAt ?? Number.POSITIVE_INFINITY, byPolicy) };
}

/** @param before the end so far; null: until revoked */
function endOf({ lifetime }: Terms, before: number | null, now: number): number | null {
  if (lifetime === 'keep') return before;
  return lifetime === null ? null : now + lifetime;
}
