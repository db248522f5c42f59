/**
 * The controls of an authorization as data: those of the consent page, with what is granted already added to what is offered,
 * and with what each item amounts to beside it. Pure; what may be granted is decided in `policy` when the form comes back.
 */
import type { Words } from '../http/messages.ts';
import type { Lifetime } from '../interaction/consent-lifetime.ts';
import {
  buildConsentPage,
  type CapabilityCard,
  type LifetimeOption,
  type ProjectRow,
  type ServerGroup,
} from '../interaction/consent-page.ts';
import type { Offer, OfferedProject, OfferedServer } from '../interaction/consent-preselection.ts';
import { type SummaryTemplates, summarize, summaryTemplates } from '../interaction/consent-summary.ts';
import { displayText } from '../interaction/display-text.ts';
import { asksApproval, type PolicyOffer } from '../interaction/policy-offer.ts';
import type { ProjectSearch } from '../interaction/shown-projects.ts';
import { broughtByRole } from '../policy/administration.ts';
import type { Slice } from '../policy/key-decision.ts';
import type { World } from '../policy/vocabulary.ts';
import { type Effect, type Effects, grantedNames } from './effect.ts';

/** A role that a key may carry. */
export interface KeyRoleRow {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly checked: boolean;
  /** Capability names that it brings. */
  readonly carries: readonly string[];
  /** It brings something that asks for an administrator's approval. */
  readonly asksApproval: boolean;
}

export interface ChoiceForm {
  readonly roles: readonly KeyRoleRow[];
  readonly capabilities: readonly (CapabilityCard & { readonly effect?: Effect })[];
  readonly projects: readonly (ProjectRow & { readonly effect?: Effect; readonly about?: string })[];
  readonly servers: readonly (Omit<ServerGroup, 'servers'> & {
    readonly servers: readonly (ServerGroup['servers'][number] & { readonly effect?: Effect })[];
  })[];
  /** Where there are more projects than are drawn. */
  readonly projectSearch?: ProjectSearch;
  readonly lifetimes: readonly LifetimeOption[];
  /** The field that says what something is for; absent where nothing that is offered asks for it. */
  readonly justification?: { readonly value: string };
  readonly summary: { readonly text: string; readonly templates: SummaryTemplates };
}

export interface ChoiceFormInput {
  readonly words: Words;
  readonly now: number;
  /** What the owner may hand over now. */
  readonly offer: Offer;
  /** Role ids that a key of this owner may carry now; empty for OAuth. */
  readonly keyRoles: readonly string[];
  readonly world: World;
  /** What is ticked. */
  readonly chosen: Slice;
  /** What is granted already, and stays to be ticked although its owner may not hand it over now. */
  readonly granted: Slice;
  readonly effects?: Effects | undefined;
  /** How the summary names the tool or the key. */
  readonly who: string;
  /** Somebody else's authorization: the page says "they", not "you". */
  readonly foreign: boolean;
  /** What policy leaves to choose from. */
  readonly terms: PolicyOffer;
  /** What was just written about what needs approval. */
  readonly justification?: string | undefined;
  /** Chosen lifetime in seconds; undefined starts from the usual one. */
  readonly lifetimeSeconds?: Lifetime | undefined;
  /** Part of the name of a project that is looked for. */
  readonly projectSearch?: string | undefined;
  /** The end that it has already, offered first and picked. */
  readonly keep?: LifetimeOption | undefined;
}

/** Builds the controls. Pure. */
export function buildChoiceForm(input: ChoiceFormInput): ChoiceForm {
  const { words, chosen, effects } = input;
  const offer = withGranted(input);
  const page = buildConsentPage({
    ...offer,
    words,
    now: input.now,
    action: '',
    pageHref: '',
    csrf: '',
    client: { clientId: '', verified: true, localOnly: false },
    account: { id: '', name: '', email: '' },
    switchAccount: { href: '', method: 'get' },
    asked: { capabilities: [] },
    previous: { ...chosen, lifetimeSeconds: input.lifetimeSeconds },
    lifetimes: input.terms.lifetimes,
    terms: input.terms.capabilities,
    justification: input.justification,
    projectSearch: input.projectSearch,
  });

  const roles = roleRows(input);
  const projects = page.projects.main.map((row) => {
    const picked = chosen.projects.find(({ id }) => id === row.id)?.roles ?? [];
    const effect = effects?.projects.get(row.id);
    return {
      ...row,
      roles: picked.length > 1 ? withSeveral(row.roles, picked, words) : row.roles,
      ...(input.foreign && { about: words.t('account.their_role', { role: row.yourRole }) }),
      ...(row.yourRole === '' && { about: words.t('account.no_access') }),
      ...(effect && { effect }),
    };
  });
  const { keep } = input;
  const lifetimes = keep
    ? [keep, ...page.lifetimes.map((option) => ({ ...option, selected: option.selected && !keep.selected }))]
    : page.lifetimes;
  const carried = new Set(roles.filter(({ checked }) => checked).flatMap(({ carries }) => carries));

  return {
    roles,
    capabilities: page.capabilities.main.map((card) => {
      const effect = effects?.capabilities.get(card.name);
      return { ...card, ...(effect && { effect }) };
    }),
    projects,
    servers: page.servers.main.map((group) => ({
      ...group,
      servers: group.servers.map((server) => {
        const effect = effects?.mcpServers.get(server.id);
        return { ...server, ...(effect && { effect }) };
      }),
    })),
    ...(page.projectSearch && { projectSearch: page.projectSearch }),
    lifetimes,
    ...((page.justification || roles.some((role) => role.asksApproval)) && {
      justification: page.justification ?? { value: displayText(input.justification ?? '', 2_000) },
    }),
    summary: {
      text: summarize(
        {
          who: input.who,
          capabilities: page.capabilities.main.filter(({ checked, name }) => checked || carried.has(name)),
          projects: projects
            .filter(({ checked }) => checked)
            .map((row) => ({
              carries: row.roles.find(({ selected }) => selected)?.carries?.split(' ') ?? [],
            })),
          mcpServers: chosen.mcpServers.filter((id) => offer.servers.some((server) => server.id === id))
            .length,
          until: lifetimes.find(({ selected }) => selected)?.phrase ?? '',
        },
        words,
      ),
      templates: summaryTemplates(input.who, words),
    },
  };
}

/** Adds what is granted already to what is offered, as far as it still exists. */
function withGranted({ offer, granted, world }: ChoiceFormInput): Offer {
  const delegable = new Set([...offer.delegable, ...grantedNames(granted, world)]);
  const roleOf = (id: string) => {
    const role = world.roles.get(id);
    if (!role) return [];
    const capabilities = broughtByRole(role.permissions).filter((name) => world.catalogue.has(name));
    return [{ id, slug: role.slug, name: role.name, capabilities }];
  };
  const missing: OfferedProject[] = [];
  const projects = offer.projects.map((project) => {
    const had = granted.projects.filter(({ id }) => id === project.id).flatMap(({ roles }) => roles);
    const more = had.filter((id) => !project.offeredRoles.some((role) => role.id === id)).flatMap(roleOf);
    return { ...project, offeredRoles: [...more, ...project.offeredRoles] };
  });
  for (const { id, roles } of granted.projects) {
    const facts = world.projects.get(id);
    if (!facts || projects.some((project) => project.id === id)) continue;
    missing.push({
      id,
      slug: facts.slug,
      name: facts.name,
      offeredRoles: roles.flatMap(roleOf),
      yourRole: '',
    });
  }
  const servers: OfferedServer[] = granted.mcpServers
    .filter((id) => !offer.servers.some((server) => server.id === id))
    .flatMap((id) => {
      const facts = world.mcpServers.get(id);
      if (!facts) return [];
      const { name, resource, project } = facts;
      return [
        { id, name, resource, projectId: project, projectSlug: world.projects.get(project)?.slug ?? '' },
      ];
    });
  return {
    catalogue: offer.catalogue,
    delegable: [...delegable],
    projects: [...projects, ...missing],
    servers: [...offer.servers, ...servers],
  };
}

function roleRows({ keyRoles, chosen, granted, world, terms }: ChoiceFormInput): KeyRoleRow[] {
  return [...world.roles]
    .filter(([id]) => keyRoles.includes(id) || granted.roles.includes(id))
    .map(([id, { name, slug, permissions }]) => {
      const brought = broughtByRole(permissions);
      const carries = [...world.catalogue.keys()].filter((capability) => brought.includes(capability));
      return {
        id,
        name: displayText(name),
        slug,
        checked: chosen.roles.includes(id),
        carries,
        asksApproval: carries.some((capability) => asksApproval(terms.capabilities.get(capability))),
      };
    });
}

/** A menu has one value: several roles on one project are one more entry of it, until somebody picks another. */
function withSeveral(
  roles: ProjectRow['roles'],
  picked: readonly string[],
  words: Words,
): ProjectRow['roles'] {
  const members = roles.filter(({ id }) => picked.includes(id));
  const carries = new Set(members.flatMap((role) => role.carries?.split(' ') ?? []));
  const together = {
    id: members.map(({ id }) => id).join(' '),
    name: words.list(members.map(({ name }) => name)),
    selected: true,
    carries: [...carries].join(' '),
  };
  return [together, ...roles.map((role) => ({ ...role, selected: false }))];
}
