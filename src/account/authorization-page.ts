/** One authorization as data: what it is, what it may do beside what it was granted, what happened to it. Pure. */
import type { Authorization } from '../authorizations/authorization.ts';
import type { Words } from '../http/messages.ts';
import type { PageNav } from '../http/render.ts';
import { type ClientFace, type ClientFacts, callClient, faceOf } from '../interaction/client-face.ts';
import { type Lifetime, nameLifetime, offeredLifetimes } from '../interaction/consent-lifetime.ts';
import type { LifetimeOption } from '../interaction/consent-page.ts';
import type { Offer } from '../interaction/consent-preselection.ts';
import { displayText } from '../interaction/display-text.ts';
import { policyOffer } from '../interaction/policy-offer.ts';
import type { Approval } from '../policies/approval-store.ts';
import type { Slice } from '../policy/key-decision.ts';
import type { TimedLimits } from '../policy/limits.ts';
import type { Use } from '../policy/narrow-to-used.ts';
import type { Policy } from '../policy/policy.ts';
import type { Effective, World } from '../policy/vocabulary.ts';
import { type AdditionRow, additionRows, type HoldOption, holdOptions } from './additions-page.ts';
import { type ShownStatus, shownStatus, statusLabel } from './authorizations-page.ts';
import type { LogLine } from './change-words.ts';
import { buildChoiceForm, type ChoiceForm } from './choice-form.ts';
import { effectsOf, grantedNames } from './effect.ts';
import { type HandedOnEntry, type HandedOnRow, handedOnRows } from './handed-on-page.ts';

export interface PageNotice {
  readonly tone: 'problem' | 'warning' | 'info' | 'good';
  readonly text: string;
}

/** One live secret of a key. */
export interface SecretRow {
  readonly ending: string;
  readonly createdAt: number;
  /** When its successor is the only one left; integer seconds. */
  readonly endsAt?: number;
}

/** One request for an administrator's approval. */
export interface ApprovalRow {
  readonly capability: string;
  readonly status: Approval['status'];
  readonly text: string;
  readonly at: number;
  readonly justification: string;
  /** What whoever decided had to say. */
  readonly note?: string;
}

/** `account/authorization.ejs`. */
export interface AuthorizationPage {
  readonly nav: PageNav;
  readonly now: number;
  readonly href: string;
  readonly backHref: string;
  readonly csrf: string;
  readonly version: number;
  readonly isKey: boolean;
  readonly name: string;
  readonly client?: ClientFace;
  readonly kind: string;
  readonly status: ShownStatus;
  readonly statusLabel: string;
  readonly owner?: string;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly lastUse?: { readonly at: number; readonly by: string; readonly from: string };
  readonly notices: readonly PageNotice[];
  readonly followsOwner: boolean;
  /** It ended, and its owner may let its identity provider set it up again. */
  readonly mayAllowAgain: boolean;
  /** Absent where nothing can be changed any more. */
  readonly form?: ChoiceForm;
  /** What it holds for a while. */
  readonly additions: readonly AdditionRow[];
  /** A tool was refused, and whoever reads this followed its link: what it lacks is chosen already. */
  readonly asked: boolean;
  /** For how long what is added now may hold; none where there is no choice. */
  readonly holds: readonly HoldOption[];
  /** What an administrator was asked to approve. */
  readonly approvals: readonly ApprovalRow[];
  /** Granted items that exist no more, and why. */
  readonly gone: readonly string[];
  readonly secrets?: readonly SecretRow[];
  /** What the form that makes a new secret offers; its id makes it count once. */
  readonly rotation: { readonly formId: string; readonly hours: readonly number[] };
  /** What it was used for, the latest first. */
  readonly uses: readonly { readonly text: string; readonly at: number }[];
  /** Where the form is shown narrowed to what was used; absent where nothing is known or nothing can be changed. */
  readonly narrowHref?: string;
  /** What its tool handed on to others. */
  readonly handedOn: readonly HandedOnRow[];
  /** Service accounts that it can be moved to; none where it cannot. */
  readonly heirs: readonly { readonly id: string; readonly label: string }[];
  readonly log: readonly LogLine[];
}

export interface AuthorizationPageInput {
  readonly words: Words;
  readonly now: number;
  readonly nav: PageNav;
  readonly csrf: string;
  readonly authorization: Authorization;
  readonly client?: ClientFacts | undefined;
  readonly effective: Effective;
  readonly limits: TimedLimits;
  readonly policy: Policy;
  readonly approvals: readonly Approval[];
  readonly world: World;
  readonly offer: Offer;
  readonly keyRoles: readonly string[];
  readonly ownerRoles: ReadonlyMap<string, string>;
  /** The owner, where it is somebody else. */
  readonly owner?: string | undefined;
  readonly createdBy: string;
  /** Names whoever added something. */
  readonly nameOf: (userId: string) => string;
  readonly log: readonly LogLine[];
  readonly secrets?: readonly SecretRow[] | undefined;
  readonly uses: readonly Use[];
  readonly handedOn?: readonly HandedOnEntry[];
  readonly rotationFormId: string;
  readonly heirs: readonly { readonly id: string; readonly name: string; readonly email: string }[];
  readonly notices: readonly PageNotice[];
  /** What pages call the identity provider that set it up; absent where its owner consented. */
  readonly setUpBy?: string | undefined;
  readonly mayAllowAgain?: boolean;
  /** What was just posted, when the page is shown again. */
  readonly again?: {
    readonly slice: Slice;
    readonly lifetime: Lifetime | 'keep';
    readonly name: string;
    readonly justification?: string;
    readonly holdSeconds?: number | null;
    /** It is what a tool was refused, not what somebody posted. */
    readonly asked?: boolean;
    /** Part of the name of a project that is looked for. */
    readonly projectSearch?: string | undefined;
  };
}

/** How a sentence names the tool or the key of an authorization. Pure. */
export function callAuthorization(
  authorization: Pick<Authorization, 'kind'>,
  client: ClientFacts | undefined,
  words: Words,
): string {
  if (authorization.kind === 'api_key') return words.t('account.this_key');
  return client ? callClient(faceOf(client), words) : words.t('client.this_tool');
}

/** Builds the page of one authorization. Pure. */
export function buildAuthorizationPage(input: AuthorizationPageInput): AuthorizationPage {
  const { authorization, words, now, world, again, limits } = input;
  const { t } = words;
  const status = shownStatus(authorization, input.effective, now);
  const foreign = input.owner !== undefined;
  const open = status !== 'revoked' && status !== 'expired' && !authorization.followsOwner;
  const effects = effectsOf({
    granted: authorization,
    effective: input.effective,
    world,
    ownerRoles: input.ownerRoles,
    reader: foreign ? 'keeper' : 'owner',
    words,
  });
  // A pause is no reason of any item: while it lasts nothing holds, and the page says so once.
  const showEffects = authorization.status === 'active';
  const end = earliest(authorization.expiresAt, limits.end);
  // Where policy has ended it, only another end brings it back.
  const keep =
    limits.end <= now
      ? undefined
      : keptLifetime(end, now, words, again === undefined || again.lifetime === 'keep');
  // What was approved for a while is asked for again when it is chosen for good.
  const forGood = grantedNames(authorization, world);
  const statuses = new Map(
    input.approvals
      .filter(({ capability }) => forGood.includes(capability))
      .map(({ capability, status }) => [capability, status]),
  );
  const form =
    open &&
    buildChoiceForm({
      words,
      now,
      offer: input.offer,
      keyRoles: input.keyRoles,
      world,
      chosen: again?.slice ?? authorization,
      granted: authorization,
      effects: showEffects ? effects : undefined,
      who: callAuthorization(authorization, input.client, words),
      foreign,
      terms: policyOffer(input.policy, authorization.kind, offeredLifetimes, statuses),
      justification: again?.justification,
      projectSearch: again?.projectSearch,
      ...(again && again.lifetime !== 'keep' && { lifetimeSeconds: again.lifetime }),
      keep,
    });
  return {
    nav: input.nav,
    now,
    href: `/account/authorizations/${authorization.id}`,
    backHref: authorization.kind === 'api_key' ? keysHref : grantsHref,
    csrf: input.csrf,
    version: authorization.version,
    isKey: authorization.kind === 'api_key',
    name: displayText(again?.name ?? authorization.name ?? ''),
    ...(input.client && { client: faceOf(input.client) }),
    kind: authorization.kind === 'oauth2' ? t('account.kind.grant') : t('account.kind.api_key'),
    status,
    statusLabel: statusLabel(status, words),
    ...(input.owner !== undefined && { owner: displayText(input.owner, 254) }),
    createdBy: displayText(input.createdBy, 254),
    createdAt: authorization.createdAt,
    ...(end !== null && { expiresAt: end }),
    ...(authorization.lastUse && {
      lastUse: { ...authorization.lastUse, by: displayText(authorization.lastUse.by) },
    }),
    notices: [
      ...standingNotices(authorization, status, words),
      ...(open ? policyNotices(input) : []),
      ...assertedNotices(input, open),
      ...input.notices,
    ],
    followsOwner: authorization.followsOwner,
    mayAllowAgain: input.mayAllowAgain === true,
    ...(form && { form }),
    additions:
      authorization.status === 'revoked' ? [] : additionRows(authorization, input.nameOf, world, now, words),
    asked: again?.asked === true,
    holds: form ? holdOptions(authorization, limits, again?.holdSeconds ?? null, now, words) : [],
    approvals:
      authorization.status === 'revoked' ? [] : input.approvals.map((one) => approvalRow(one, words)),
    gone: open ? goneItems(authorization, world, words) : [],
    ...(input.secrets && { secrets: input.secrets }),
    uses: input.uses.slice(0, mostUses).map((use) => ({ text: useInWords(use, world, words), at: use.at })),
    ...(form &&
      input.uses.length > 0 && { narrowHref: `/account/authorizations/${authorization.id}?narrow=used` }),
    handedOn: handedOnRows(input.handedOn ?? [], words),
    rotation: { formId: input.rotationFormId, hours: overlapHours },
    heirs: open
      ? input.heirs.map(({ id, name, email }) => ({
          id,
          label: `${displayText(name)} · ${displayText(email, 254)}`,
        }))
      : [],
    log: input.log,
  };
}

/** Uses that the page lists. */
const mostUses = 20;

/** `flows:edit · atlas`, as far as the place still exists. */
function useInWords({ capability, place }: Use, world: World, { t }: Words): string {
  if (place === null) return capability;
  const name = world.projects.get(place)?.slug ?? world.mcpServers.get(place)?.name ?? t('account.used_gone');
  return `${capability} · ${displayText(name)}`;
}

/** How long a rotated secret may go on working, in hours. */
const overlapHours: readonly number[] = [0, 1, 24, 72, 168];

export const grantsHref = '/account/authorizations';
export const keysHref = '/account/authorizations?tab=api-keys';

function keptLifetime(
  expiresAt: number | null,
  now: number,
  words: Words,
  selected: boolean,
): LifetimeOption {
  const { t } = words;
  const date = expiresAt === null ? '' : words.date(expiresAt, now);
  return {
    value: 'keep',
    label: expiresAt === null ? t('account.keep_until_revoked') : t('account.keep_until', { date }),
    phrase: expiresAt === null ? t('summary.until_revoked') : t('summary.until', { date }),
    selected,
  };
}

function standingNotices(
  { followsOwner, replayedAt, replayedFrom }: Authorization,
  status: ShownStatus,
  words: Words,
): PageNotice[] {
  const { t } = words;
  const notices: PageNotice[] = [];
  if (status === 'suspended') notices.push({ tone: 'warning', text: t('account.notice.suspended') });
  if (status === 'expired') notices.push({ tone: 'info', text: t('account.notice.expired') });
  if (status === 'revoked') notices.push({ tone: 'info', text: t('account.notice.revoked') });
  if (status === 'limited') notices.push({ tone: 'info', text: t('account.notice.limited') });
  if (followsOwner) notices.push({ tone: 'info', text: t('account.notice.follows_owner') });
  if (replayedAt !== null) {
    const from = displayText(replayedFrom ?? '?', 64);
    notices.push({
      tone: 'warning',
      text: t('account.notice.replayed', { when: words.exact(replayedAt), from }),
    });
  }
  return notices;
}

/** Nobody was asked when an identity provider set it up: the page says who did, and who decides from here on. */
function assertedNotices(
  { authorization, setUpBy, mayAllowAgain, words }: AuthorizationPageInput,
  open: boolean,
): PageNotice[] {
  if (setUpBy === undefined) return [];
  const issuer = displayText(setUpBy, 254);
  // Whoever allowed it again was asked.
  if (open && authorization.createdBy === authorization.userId) return [];
  if (open) return [{ tone: 'info', text: words.t('account.notice.set_up_by', { issuer }) }];
  return mayAllowAgain
    ? [{ tone: 'info', text: words.t('account.notice.not_set_up_again', { issuer }) }]
    : [];
}

/** The end that comes first: the one that was chosen, or the one that policy makes. @returns null when there is none */
function earliest(chosen: number | null, byPolicy: number): number | null {
  const end = Math.min(chosen ?? Number.POSITIVE_INFINITY, byPolicy);
  return end === Number.POSITIVE_INFINITY ? null : end;
}

function policyNotices({ authorization, limits, policy, words }: AuthorizationPageInput): PageNotice[] {
  const { t } = words;
  switch (limits.everything) {
    case undefined:
      return [];
    case 'client_not_permitted':
      return [{ tone: 'warning', text: t('account.notice.client_not_permitted') }];
    case 'too_old': {
      const longest = nameLifetime(policy.longest[authorization.kind], words);
      return [{ tone: 'warning', text: t('account.notice.too_old', { longest }) }];
    }
  }
}

const approvalWords = {
  pending: 'account.approval.pending',
  approved: 'account.approval.approved',
  declined: 'account.approval.declined',
} as const;

function approvalRow(
  { capability, status, requestedAt, decidedAt, justification, note }: Approval,
  words: Words,
): ApprovalRow {
  return {
    capability,
    status,
    text: words.t(approvalWords[status]),
    at: decidedAt ?? requestedAt,
    justification: displayText(justification, 2_000),
    ...(note !== null && { note: displayText(note, 1_000) }),
  };
}

function goneItems(granted: Slice, world: World, words: Words): string[] {
  const projects = granted.projects.filter(({ id }) => !world.projects.has(id)).length;
  const servers = granted.mcpServers.filter((id) => !world.mcpServers.has(id)).length;
  return [
    ...(projects > 0 ? [words.plural('account.gone_projects', projects)] : []),
    ...(servers > 0 ? [words.plural('account.gone_servers', servers)] : []),
  ];
}
