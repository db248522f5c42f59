/**
 * The consent page as data: who asks, for whom, what is offered and what is ticked, top to bottom.
 * Decides what the page shows; decides nothing about rights: what it offers is handed in.
 */

import type { Words } from '../http/messages.ts';
import { type CapabilityWords, capabilityWords } from './capability-words.ts';
import { type ClientFace, type ClientFacts, callClient, faceOf } from './client-face.ts';
import { type Lifetime, nameLifetime, startingLifetime, untilPhrase } from './consent-lifetime.ts';
import { type ConsentNotice, foundNotices, type Notice, noticeText } from './consent-notices.ts';
import {
  type Asked,
  type Offer,
  type OfferedProject,
  type OfferedServer,
  type Preset,
  type PreviousChoice,
  preselect,
  type Selection,
  startingRole,
  type Target,
  targetOf,
} from './consent-preselection.ts';
import { type SummaryTemplates, summarize, summaryTemplates } from './consent-summary.ts';
import { displayText } from './display-text.ts';
import { asksApproval, type CapabilityTerms, type PolicyOffer } from './policy-offer.ts';
import { type ProjectSearch, shownProjects } from './shown-projects.ts';

export interface ConsentInput extends Offer {
  readonly words: Words;
  /** Epoch seconds. */
  readonly now: number;
  /** Address that the form posts to. */
  readonly action: string;
  /** Address of this page; presets are links to it. */
  readonly pageHref: string;
  readonly csrf: string;
  readonly client: ClientFacts;
  readonly account: { readonly id: string; readonly name: string; readonly email: string };
  /** Leads to another account: a link, or a form that carries the CSRF token. */
  readonly switchAccount: { readonly href: string; readonly method: 'get' | 'post' };
  readonly asked: Asked;
  readonly previous?: PreviousChoice | undefined;
  /** What was just posted, when the page is shown again; it wins over everything else. */
  readonly posted?: PreviousChoice | undefined;
  readonly preset?: Preset | undefined;
  /** What policy allows, shortest first. */
  readonly lifetimes: readonly Lifetime[];
  /** What policy says of capabilities, by name. */
  readonly terms?: PolicyOffer['capabilities'] | undefined;
  /** What was just written about those that need approval. */
  readonly justification?: string | undefined;
  /** Part of the name of a project that is looked for. */
  readonly projectSearch?: string | undefined;
  /** Whether the answer may be carried to another computer by hand, and whether that was just chosen; absent where it cannot. */
  readonly byHand?: boolean | undefined;
  /** What the route has to say; what the page can see for itself is added. */
  readonly notices?: readonly ConsentNotice[];
}

/** `consent.ejs`. */
export interface ConsentPage {
  readonly action: string;
  readonly csrf: string;
  readonly seenAccount: string;
  readonly client: ClientFace;
  readonly account: { readonly name: string; readonly email: string; readonly initial: string };
  readonly switchAccount: ConsentInput['switchAccount'];
  readonly target?: Target;
  readonly notices: readonly Notice[];
  readonly presets: readonly { readonly href: string; readonly label: string; readonly current: boolean }[];
  readonly capabilities: Split<CapabilityCard>;
  readonly projects: Split<ProjectRow>;
  /** Where there are more projects than are drawn. */
  readonly projectSearch?: ProjectSearch;
  readonly servers: Split<ServerGroup>;
  readonly lifetimes: readonly LifetimeOption[];
  /** The field that says what something is for; absent where nothing that is offered asks for it. */
  readonly justification?: { readonly value: string };
  /** The choice to carry the answer to another computer; absent for tools that listen on no loopback. */
  readonly byHand?: { readonly checked: boolean };
  readonly summary: { readonly text: string; readonly templates: SummaryTemplates };
  /** Folded parts start open. */
  readonly unfolded: boolean;
}

/** What belongs to the request, and what has nothing to do with it. */
export interface Split<Item> {
  readonly main: readonly Item[];
  readonly folded: readonly Item[];
}

export interface CapabilityCard extends CapabilityWords {
  readonly name: string;
  readonly bound: 'organization' | 'project' | 'mcp_server';
  readonly sensitive: boolean;
  readonly checked: boolean;
  /** The tool asked for it by name. */
  readonly asked: boolean;
  /** What policy says of it. */
  readonly notes: readonly string[];
  /** Choosing it asks for an administrator's approval. */
  readonly asksApproval: boolean;
}

export interface ProjectRow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly yourRole: string;
  readonly checked: boolean;
  readonly roles: readonly {
    readonly id: string;
    readonly name: string;
    readonly selected: boolean;
    /** Blank-separated capability names; absent when not known. */
    readonly carries?: string;
  }[];
}

export interface ServerGroup {
  readonly projectSlug: string;
  readonly servers: readonly {
    readonly id: string;
    readonly name: string;
    readonly resource: string;
    readonly checked: boolean;
    readonly target: boolean;
  }[];
}

export interface LifetimeOption {
  /** Seconds, or `until_revoked`. */
  readonly value: string;
  readonly label: string;
  readonly phrase: string;
  readonly selected: boolean;
}

/** Builds the consent page. Pure. */
export function buildConsentPage(input: ConsentInput): ConsentPage {
  const { words, asked, now } = input;
  const client = faceOf(input.client);
  const target = targetOf(asked, input.servers);
  const from = input.posted ?? input.previous;
  const selection = preselect(input, asked, from, input.posted === undefined ? input.preset : 'last');

  const capabilities = cards(input, selection);
  const shownOnes = shownProjects(input.projects, selection.projects, input.projectSearch);
  const lifetime = startingLifetime(input.lifetimes, from?.lifetimeSeconds);
  const who = callClient(client, words);
  const accountName = displayText(input.account.name);

  return {
    action: input.action,
    csrf: input.csrf,
    seenAccount: input.account.id,
    client,
    account: {
      name: accountName,
      email: displayText(input.account.email, 254),
      initial: [...accountName][0]?.toUpperCase() ?? '',
    },
    switchAccount: input.switchAccount,
    ...(target !== undefined && { target: shown(target) }),
    notices: [...(input.notices ?? []), ...foundNotices(input, target)].map((notice) =>
      noticeText(notice, words),
    ),
    presets: presetLinks(input),
    capabilities: split(capabilities, (card) => card.checked || card.asked || belongs(card.bound, target)),
    projects: split(
      shownOnes.projects.map((project) => projectRow(project, input, selection)),
      (row) => row.checked || target?.kind !== 'mcp_server' || target.server.projectId === row.id,
    ),
    ...(shownOnes.search && { projectSearch: shownOnes.search }),
    servers: serverGroups(input.servers, selection, target),
    lifetimes: input.lifetimes.map((option) => ({
      value: option === null ? 'until_revoked' : String(option),
      label: nameLifetime(option, words),
      phrase: untilPhrase(option, now, words),
      selected: option === lifetime,
    })),
    ...(capabilities.some((card) => card.asksApproval) && {
      justification: { value: displayText(input.justification ?? '', 2_000) },
    }),
    ...(input.byHand !== undefined && { byHand: { checked: input.byHand } }),
    summary: {
      text: summarize(
        {
          who,
          capabilities: capabilities.filter(({ checked }) => checked),
          projects: [...selection.projects].map(([id, role]) => ({
            carries: carriedBy(input.projects, id, role),
          })),
          mcpServers: selection.servers.size,
          until: untilPhrase(lifetime, now, words),
        },
        words,
      ),
      templates: summaryTemplates(who, words),
    },
    unfolded: input.preset === 'custom' || input.posted !== undefined,
  };
}

/** A capability belongs to a resource when it is bounded where the resource lives. */
function belongs(bound: CapabilityCard['bound'], target: Target | undefined): boolean {
  if (target === undefined) return true;
  return target.kind === 'api' ? bound !== 'mcp_server' : bound !== 'organization';
}

function cards(input: ConsentInput, selection: Selection): CapabilityCard[] {
  const delegable = new Set(input.delegable);
  return [...input.catalogue.values()]
    .filter(({ name }) => delegable.has(name))
    .map((capability) => ({
      name: capability.name,
      bound: capability.bound,
      sensitive: capability.sensitive,
      checked: selection.capabilities.has(capability.name),
      asked: input.asked.capabilities.includes(capability.name),
      notes: notesOf(input.terms?.get(capability.name), input.words),
      asksApproval: asksApproval(input.terms?.get(capability.name)),
      ...capabilityWords(capability, input.words),
    }));
}

const approvalKeys = {
  none: 'terms.approval_needed',
  pending: 'terms.approval_pending',
  approved: 'terms.approval_given',
  declined: 'terms.approval_declined',
} as const;

function notesOf(terms: CapabilityTerms | undefined, words: Words): string[] {
  return [
    ...(terms?.longest === undefined
      ? []
      : [words.t('terms.longest', { longest: nameLifetime(terms.longest, words) })]),
    ...(terms?.approval === undefined ? [] : [words.t(approvalKeys[terms.approval])]),
  ];
}

function projectRow(project: OfferedProject, input: ConsentInput, selection: Selection): ProjectRow {
  const checked = selection.projects.has(project.id);
  const role = checked
    ? selection.projects.get(project.id)
    : startingRole(project, [], selection.capabilities, input.preset, input.catalogue);
  return {
    id: project.id,
    slug: displayText(project.slug),
    name: displayText(project.name),
    yourRole: displayText(project.yourRole),
    checked,
    roles: project.offeredRoles.map((offered) => ({
      id: offered.id,
      name: displayText(offered.name),
      selected: offered.id === role,
      ...(offered.capabilities !== undefined && { carries: offered.capabilities.join(' ') }),
    })),
  };
}

function serverGroups(
  servers: readonly OfferedServer[],
  selection: Selection,
  target: Target | undefined,
): Split<ServerGroup> {
  const targetId = target?.kind === 'mcp_server' ? target.server.id : undefined;
  const inMain = (id: string) => target === undefined || id === targetId || selection.servers.has(id);
  const group = (wanted: readonly OfferedServer[]): ServerGroup[] =>
    [...Map.groupBy(wanted, ({ projectSlug }) => projectSlug)].map(([slug, members]) => ({
      projectSlug: displayText(slug),
      servers: members.map(({ id, name, resource }) => ({
        id,
        name: displayText(name),
        resource: displayText(resource, 200),
        checked: selection.servers.has(id),
        target: id === targetId,
      })),
    }));
  return {
    main: group(servers.filter(({ id }) => inMain(id))),
    folded: group(servers.filter(({ id }) => !inMain(id))),
  };
}

function carriedBy(
  projects: readonly OfferedProject[],
  id: string,
  role: string | null,
): readonly string[] | undefined {
  if (role === null) return [];
  return projects.find((project) => project.id === id)?.offeredRoles.find((offered) => offered.id === role)
    ?.capabilities;
}

function presetLinks(input: ConsentInput): ConsentPage['presets'] {
  const { t } = input.words;
  const labels = {
    last: t('consent.preset.last'),
    asked: t('consent.preset.asked'),
    read: t('consent.preset.read'),
    custom: t('consent.preset.custom'),
  };
  const offered: readonly Preset[] =
    input.previous === undefined ? ['asked', 'read', 'custom'] : ['last', 'asked', 'read', 'custom'];
  const asks = input.preset === 'last' && input.previous === undefined ? undefined : input.preset;
  const current = input.posted === undefined ? (asks ?? offered[0]) : 'custom';
  return offered.map((preset) => ({
    href: `${input.pageHref}?preset=${preset}`,
    label: labels[preset],
    current: preset === current,
  }));
}

function shown(target: Target): Target {
  if (target.kind !== 'mcp_server') return { ...target, resource: displayText(target.resource, 200) };
  const { server } = target;
  return {
    ...target,
    server: { ...server, name: displayText(server.name), resource: displayText(server.resource, 200) },
  };
}

function split<Item>(items: readonly Item[], isMain: (item: Item) => boolean): Split<Item> {
  return { main: items.filter(isMain), folded: items.filter((item) => !isMain(item)) };
}
