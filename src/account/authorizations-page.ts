/** The list of authorizations as data: what each is called, what it may do, whether something of it is withheld. Pure. */
import type { Authorization } from '../authorizations/authorization.ts';
import { standingOf } from '../authorizations/to-granted.ts';
import type { Words } from '../http/messages.ts';
import type { PageNav } from '../http/render.ts';
import { type ClientFace, type ClientFacts, faceOf } from '../interaction/client-face.ts';
import { displayText } from '../interaction/display-text.ts';
import { runningAdditions, withAdditions } from '../policy/additions.ts';
import type { Effective, World } from '../policy/vocabulary.ts';
import { grantedNames } from './effect.ts';

export type ShownStatus = 'active' | 'limited' | 'suspended' | 'expired' | 'revoked';

/** One authorization with what the rule says of it. */
export interface ListedAuthorization {
  readonly authorization: Authorization;
  readonly effective: Effective;
  /** Absent for API keys. */
  readonly client?: ClientFacts | undefined;
  /** `mk_…` and the last four characters of the newest secret. */
  readonly secretEnding?: string | undefined;
  /** The owner, where it is somebody else. */
  readonly owner?: string | undefined;
  readonly createdBy: string;
}

/** `account/authorizations.ejs`. */
export interface AuthorizationsPage {
  readonly nav: PageNav;
  readonly now: number;
  readonly tabs: readonly { readonly href: string; readonly label: string; readonly current: boolean }[];
  readonly kind: 'oauth2' | 'api_key';
  readonly search: { readonly action: string; readonly text: string; readonly shown: boolean };
  readonly whose: readonly { readonly href: string; readonly label: string; readonly current: boolean }[];
  readonly newKeyHref?: string;
  readonly rows: readonly AuthorizationRow[];
  readonly newerHref?: string;
  readonly olderHref?: string;
  readonly notice?: string;
  /** What identity providers set up, what ended, and what only its owner lets begin again. */
  readonly ended: readonly EndedRow[];
}

export interface EndedRow {
  readonly href: string;
  readonly client?: ClientFace;
  readonly resource: string;
  readonly setUpBy: string;
}

export interface AuthorizationRow {
  readonly href: string;
  readonly name: string;
  readonly client?: ClientFace;
  readonly secretEnding?: string;
  readonly owner?: string;
  readonly kind: string;
  readonly status: ShownStatus;
  readonly statusLabel: string;
  readonly capabilities: readonly string[];
  readonly moreCapabilities: number;
  readonly projects: string;
  readonly servers: string;
  readonly lastUse?: { readonly at: number; readonly by: string; readonly from: string };
  readonly expiresAt?: number;
  /** When the first part of it ends that was added for a while. */
  readonly lessAt?: number;
  readonly createdBy: string;
}

const statusKeys: Record<ShownStatus, string> = {
  active: 'account.status.active',
  limited: 'account.status.limited',
  suspended: 'account.status.suspended',
  expired: 'account.status.expired',
  revoked: 'account.status.revoked',
};

/** Names a status in the reader's words. Pure. */
export function statusLabel(status: ShownStatus, words: Words): string {
  return words.t(statusKeys[status]);
}

/** Says how an authorization stands; `limited` when something of it is withheld. Pure. */
export function shownStatus(authorization: Authorization, effective: Effective, now: number): ShownStatus {
  const standing = standingOf(authorization, now);
  return standing === 'active' && effective.withheld.length > 0 ? 'limited' : standing;
}

const mostCapabilities = 4;

/** Builds one row of the list. Pure. */
export function authorizationRow(
  listed: ListedAuthorization,
  world: World,
  now: number,
  words: Words,
): AuthorizationRow {
  const { effective } = listed;
  const running = runningAdditions(listed.authorization.additions, now);
  const authorization = withAdditions(listed.authorization, running, now);
  const { t, plural } = words;
  const names = authorization.followsOwner
    ? [t('account.list.follows_owner')]
    : grantedNames(authorization, world);
  const status = shownStatus(authorization, effective, now);
  const client = listed.client && faceOf(listed.client);
  const highest = highestRole(authorization, world);
  const count = authorization.projects.length;
  return {
    href: `/account/authorizations/${authorization.id}`,
    name: displayText(authorization.name ?? ''),
    ...(client && { client }),
    ...(listed.secretEnding !== undefined && { secretEnding: listed.secretEnding }),
    ...(listed.owner !== undefined && { owner: displayText(listed.owner, 254) }),
    kind: authorization.kind === 'oauth2' ? t('account.kind.grant') : t('account.kind.api_key'),
    status,
    statusLabel: statusLabel(status, words),
    capabilities: names.slice(0, mostCapabilities),
    moreCapabilities: Math.max(0, names.length - mostCapabilities),
    projects:
      highest === undefined
        ? plural('account.list.projects', count)
        : plural('account.list.projects_highest', count, { role: highest }),
    servers: plural('account.list.servers', authorization.mcpServers.length),
    ...(authorization.lastUse && {
      lastUse: { ...authorization.lastUse, by: displayText(authorization.lastUse.by) },
    }),
    ...(authorization.expiresAt !== null && { expiresAt: authorization.expiresAt }),
    ...(running.length > 0 && { lessAt: Math.min(...running.map(({ until }) => until)) }),
    createdBy: displayText(listed.createdBy, 254),
  };
}

/** The picked role with most capabilities, over all projects. */
function highestRole({ projects }: Authorization, { roles, catalogue }: World): string | undefined {
  let highest: { name: string; height: number } | undefined;
  for (const id of new Set(projects.flatMap((project) => project.roles))) {
    const role = roles.get(id);
    if (!role) continue;
    const height = [...role.permissions].filter((name) => catalogue.has(name)).length;
    if (!highest || height > highest.height) highest = { name: displayText(role.name), height };
  }
  return highest?.name;
}

/** Names the owner's strongest role on each of their projects, as the page says it. Pure. */
export function ownerRolesOn(
  projects: Iterable<string>,
  owner: {
    assigned: { organization: readonly string[]; projects: ReadonlyMap<string, readonly string[]> };
  },
  { roles, catalogue }: World,
): Map<string, string> {
  const named = new Map<string, string>();
  for (const id of projects) {
    const own = [...(owner.assigned.projects.get(id) ?? []), ...owner.assigned.organization];
    const height = (role: string) =>
      [...(roles.get(role)?.permissions ?? [])].filter((name) => catalogue.has(name)).length;
    const best = own.toSorted((one, other) => height(other) - height(one))[0];
    const name = best === undefined ? undefined : roles.get(best)?.name;
    if (name !== undefined) named.set(id, displayText(name));
  }
  return named;
}
