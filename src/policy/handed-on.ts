/**
 * What a tool handed on to another one (RFC 8693): a ceiling under the authorization that it came from. It has no rights of its
 * own: whatever holds of it is read from what holds of its parent at that moment, so it can never outlive or outgrow it.
 */

import type { Addition } from './additions.ts';
import { administration } from './administration.ts';
import { type Guarded, seenBy } from './audience.ts';
import { capabilitiesBoundAt, closeOver, inCatalogueOrder } from './catalogue.ts';
import type { TimedLimits } from './limits.ts';
import type { Bound, Catalogue, Effective, Granted, Standing, Withheld } from './vocabulary.ts';

/** What of its parent it may have at most. */
export interface HandedOn {
  /** Capability names that were asked for; undefined: whatever the parent holds. */
  readonly names: ReadonlySet<string> | undefined;
  /** What the audience of the token that it was made of is shown, where that token was somebody else's; undefined: everything. */
  readonly from: Guarded | undefined;
  /** The audience that it is for. */
  readonly to: Guarded;
}

/** Parents that an authorization may have above it: what is handed on further is refused. */
export const mostParents = 3;

const bounds: readonly Bound[] = ['organization', 'project', 'mcp_server'];

/**
 * Computes what holds of something that was handed on. Pure and total.
 *
 * The result is within the ceiling and within what holds of the parent; a higher ceiling or a parent that holds more never takes
 * anything away. To administer Mandate is never handed on.
 *
 * @param parent What holds of the authorization that it came from.
 * @returns What holds, with one `withheld` entry for everything that was asked for by name and does not: the parent's reason
 *   where the parent has one, else `parent_lacks`.
 */
export function effectiveUnder(ceiling: HandedOn, parent: Effective, catalogue: Catalogue): Effective {
  const { from, to } = ceiling;
  const shown = from && seenBy(parent, from, catalogue);
  const shownProjects = new Set(shown?.projects.map(({ id }) => id));
  const asked = ceiling.names && closed(ceiling.names, catalogue);
  const mayBe = (name: string) => name !== administration && (asked === undefined || asked.has(name));
  const may = (name: string) => mayBe(name) && (from === undefined || shown?.scope.includes(name) === true);

  const organization = to.api ? parent.organization.filter(may) : [];
  const mcpServers = parent.mcpServers
    .filter(({ id }) => to.mcpServers.has(id))
    .map((server) => ({ ...server, actions: server.actions.filter(may) }))
    .filter(({ actions }) => actions.length > 0);
  const homes = new Set(mcpServers.map(({ project }) => project));
  const isReached = (id: string) =>
    (to.api || homes.has(id)) && (from === undefined || from.api || shownProjects.has(id));
  const projects = parent.projects
    .filter(({ id }) => isReached(id))
    .map((project) => ({ ...project, actions: project.actions.filter(may) }));

  const carried = parent.withheld.filter(({ dimension, identifier, capability }) => {
    if (dimension === 'capability') return to.api && mayBe(identifier);
    const isThere = dimension === 'mcp_server' ? to.mcpServers.has(identifier) : isReached(identifier);
    return isThere && (capability === undefined || mayBe(capability));
  });
  const lacking = (
    dimension: Withheld['dimension'],
    identifier: string,
    capability?: string,
  ): Withheld | [] => {
    const known = carried.some(
      (entry) =>
        entry.dimension === dimension &&
        entry.identifier === identifier &&
        (entry.capability === undefined || capability === undefined || entry.capability === capability),
    );
    if (known) return [];
    const entry = { dimension, identifier, reason: 'parent_lacks' } as const;
    return capability === undefined ? entry : { ...entry, capability };
  };
  const wanted = (bound: Bound) =>
    capabilitiesBoundAt(catalogue, bound).filter((name) => asked?.has(name) && name !== administration);
  const wantedThere = wanted('mcp_server');
  return {
    organization,
    projects,
    mcpServers,
    withheld: [
      ...carried,
      ...(to.api ? wanted('organization') : [])
        .filter((name) => !organization.includes(name))
        .flatMap((name) => lacking('capability', name)),
      ...projects.flatMap(({ id, actions }) =>
        wanted('project')
          .filter((name) => !actions.includes(name))
          .flatMap((name) => lacking('project', id, name)),
      ),
      ...[...to.mcpServers].flatMap((id) => {
        const server = mcpServers.find((one) => one.id === id);
        if (!server) return lacking('mcp_server', id);
        return wantedThere
          .filter((name) => !server.actions.includes(name))
          .flatMap((name) => lacking('mcp_server', id, name));
      }),
    ],
  };
}

/** Takes away everything, for the reason that the policy has. Pure. */
export function withholdAll({ organization, projects, mcpServers, withheld }: Effective): Effective {
  const reason = 'policy';
  return {
    organization: [],
    projects: [],
    mcpServers: [],
    withheld: [
      ...organization.map((identifier) => ({ dimension: 'capability', identifier, reason }) as const),
      ...projects.map(({ id }) => ({ dimension: 'project', identifier: id, reason }) as const),
      ...mcpServers.map(({ id }) => ({ dimension: 'mcp_server', identifier: id, reason }) as const),
      ...withheld.filter(
        ({ dimension, identifier }) =>
          ![...projects, ...mcpServers].some(({ id }) => dimension !== 'capability' && id === identifier),
      ),
    ],
  };
}

/**
 * Says what something that was handed on grants, in the words of the rule. Pure.
 * @param standing its own; it stands only while its parent does
 */
export function grantedUnder(ceiling: HandedOn, standing: Standing, parent: Granted): Granted {
  const { names, to } = ceiling;
  return {
    standing: standing === 'active' ? parent.standing : standing,
    capabilities: names === undefined ? parent.capabilities : [...names],
    roles: names === undefined ? parent.roles : [],
    projects: parent.projects,
    mcpServers: parent.mcpServers.filter((id) => to.mcpServers.has(id)),
  };
}

/**
 * Unites what the policy takes from an authorization with what it takes from its parent: they are right while both are. Pure.
 * What is withheld of the parent is not in what holds of it; here it only counts for when that changes.
 */
export function limitsUnder(own: TimedLimits, parent: TimedLimits, catalogue: Catalogue): TimedLimits {
  // What another capability implies ends with that one, which may be out of sight here.
  const ends = new Map<string, number>();
  for (const [name, end] of [...parent.ends, ...own.ends]) {
    for (const implied of closed(new Set([name]), catalogue)) {
      ends.set(implied, Math.min(end, ends.get(implied) ?? end));
    }
  }
  return {
    everything: own.everything ?? parent.everything,
    capabilities: new Map([...parent.capabilities, ...own.capabilities]),
    since: Math.max(own.since, parent.since),
    until: Math.min(own.until, parent.until),
    end: Math.min(own.end, parent.end),
    ends,
  };
}

/** Writes out what comes with additions: something that was handed on may show an implied name, and not the one that brings it. Pure. */
export function additionsUnder(additions: readonly Addition[], catalogue: Catalogue): readonly Addition[] {
  return additions.map((addition) => ({
    ...addition,
    capabilities: [...closed(new Set(addition.capabilities), catalogue)],
  }));
}

/** Names with everything that they imply. */
function closed(names: ReadonlySet<string>, catalogue: Catalogue): ReadonlySet<string> {
  const known = inCatalogueOrder(names, catalogue);
  return new Set(
    bounds.flatMap((bound) =>
      closeOver(
        known.filter((name) => catalogue.get(name)?.bound === bound),
        catalogue,
        bound,
      ),
    ),
  );
}
