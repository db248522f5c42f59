/** One authorization as data: what it is, what it may do beside what it was granted, what happened to it. Pure. */
import type { Authorization } from '../authorizations/authorization.ts';
import type { Words } from '../http/messages.ts';
import type { PageNav } from '../http/render.ts';
import { type ClientFace, type ClientFacts, callClient, faceOf } from '../interaction/client-face.ts';
import { type Lifetime, offeredLifetimes } from '../interaction/consent-lifetime.ts';
import type { LifetimeOption } from '../interaction/consent-page.ts';
import type { Offer } from '../interaction/consent-preselection.ts';
import { displayText } from '../interaction/display-text.ts';
import type { Slice } from '../policy/key-decision.ts';
import type { Effective, World } from '../policy/vocabulary.ts';
import { type ShownStatus, shownStatus, statusLabel } from './authorizations-page.ts';
import type { LogLine } from './change-words.ts';
import { buildChoiceForm, type ChoiceForm } from './choice-form.ts';
import { effectsOf } from './effect.ts';

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
  /** Absent where nothing can be changed any more. */
  readonly form?: ChoiceForm;
  readonly needsPassword: boolean;
  /** Granted items that exist no more, and why. */
  readonly gone: readonly string[];
  readonly secrets?: readonly SecretRow[];
  /** What the form that makes a new secret offers; its id makes it count once. */
  readonly rotation: { readonly formId: string; readonly hours: readonly number[] };
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
  readonly world: World;
  readonly offer: Offer;
  readonly keyRoles: readonly string[];
  readonly ownerRoles: ReadonlyMap<string, string>;
  /** The owner, where it is somebody else. */
  readonly owner?: string | undefined;
  readonly createdBy: string;
  readonly log: readonly LogLine[];
  readonly secrets?: readonly SecretRow[] | undefined;
  readonly rotationFormId: string;
  readonly heirs: readonly { readonly id: string; readonly name: string; readonly email: string }[];
  readonly notices: readonly PageNotice[];
  /** What was just posted, when the page is shown again. */
  readonly again?: { readonly slice: Slice; readonly lifetime: Lifetime | 'keep'; readonly name: string };
  readonly needsPassword?: boolean;
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
  const { authorization, words, now, world, again } = input;
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
  const keep = keptLifetime(authorization, now, words, again === undefined || again.lifetime === 'keep');
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
      lifetimes: offeredLifetimes,
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
    ...(authorization.expiresAt !== null && { expiresAt: authorization.expiresAt }),
    ...(authorization.lastUse && {
      lastUse: { ...authorization.lastUse, by: displayText(authorization.lastUse.by) },
    }),
    notices: [...standingNotices(authorization, status, words), ...input.notices],
    followsOwner: authorization.followsOwner,
    ...(form && { form }),
    needsPassword: input.needsPassword ?? false,
    gone: open ? goneItems(authorization, world, words) : [],
    ...(input.secrets && { secrets: input.secrets }),
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

/** How long a rotated secret may go on working, in hours. */
const overlapHours: readonly number[] = [0, 1, 24, 72, 168];

export const grantsHref = '/account/authorizations';
export const keysHref = '/account/authorizations?tab=api-keys';

function keptLifetime(
  { expiresAt }: Authorization,
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

function goneItems(granted: Slice, world: World, words: Words): string[] {
  const projects = granted.projects.filter(({ id }) => !world.projects.has(id)).length;
  const servers = granted.mcpServers.filter((id) => !world.mcpServers.has(id)).length;
  return [
    ...(projects > 0 ? [words.plural('account.gone_projects', projects)] : []),
    ...(servers > 0 ? [words.plural('account.gone_servers', servers)] : []),
  ];
}
