/** What a resource server says that a tool lacks, put into the choice of its authorization's page. It saves nothing. */
import type { Offer, OfferedProject } from '../interaction/consent-preselection.ts';
import type { Slice } from '../policy/key-decision.ts';

/** The query of a link to the page: `?add=flows:edit&project=atlas&mcp_server=https://…`. */
export interface AskedAddition {
  readonly capabilities: readonly string[];
  /** An id or a short name. */
  readonly project: string | undefined;
  /** An id or a resource URL. */
  readonly mcpServer: string | undefined;
}

export interface Addition {
  readonly slice: Slice;
  /** What is chosen beyond what was, as its reader knows it. */
  readonly added: readonly string[];
  /** Something was asked for that its owner does not hold, or that is not there: the page never says which. */
  readonly beyond: boolean;
}

const mostCapabilities = 20;
const mostCharacters = 2_000;

/** Reads the query; undefined when it asks for nothing. Pure. */
export function readAddition(query: Readonly<Record<string, string | string[] | undefined>>) {
  const one = (name: string) => [query[name] ?? ''].flat()[0]?.slice(0, mostCharacters) || undefined;
  const capabilities = (one('add') ?? '').split(/[\s,]+/).filter((name) => name !== '');
  const asked: AskedAddition = {
    capabilities: [...new Set(capabilities)].slice(0, mostCapabilities),
    project: one('project'),
    mcpServer: one('mcp_server'),
  };
  return asked.capabilities.length > 0 || asked.mcpServer !== undefined ? asked : undefined;
}

/** Adds what is asked for to a slice, as far as its owner may hand it over. Pure; the result is never narrower. */
export function addAsked(slice: Slice, asked: AskedAddition, offer: Offer): Addition {
  const offered = asked.capabilities.filter((name) => offer.delegable.includes(name));
  const server = offer.servers.find(({ id, resource }) => [id, resource].includes(asked.mcpServer ?? ''));
  const project = offer.projects.find(({ id, slug }) => [id, slug].includes(asked.project ?? ''));
  const picked = project && slice.projects.find(({ id }) => id === project.id);
  const bounded = offered.filter((name) => offer.catalogue.get(name)?.bound === 'project');
  const roles = project && rolesFor(project, picked?.roles ?? [], bounded);

  const newCapabilities = offered.filter((name) => !slice.capabilities.includes(name));
  const newServer = server && !slice.mcpServers.includes(server.id) ? server : undefined;
  const changedProject = project && roles && roles.length > (picked?.roles.length ?? 0) ? project : undefined;
  return {
    slice: {
      ...slice,
      capabilities: [...slice.capabilities, ...newCapabilities],
      mcpServers: newServer ? [...slice.mcpServers, newServer.id] : slice.mcpServers,
      projects: changedProject
        ? [
            ...slice.projects.filter(({ id }) => id !== changedProject.id),
            { id: changedProject.id, roles: roles ?? [] },
          ]
        : slice.projects,
    },
    added: [
      ...newCapabilities,
      ...(changedProject ? [changedProject.slug] : []),
      ...(newServer ? [newServer.name] : []),
    ],
    beyond:
      offered.length < asked.capabilities.length ||
      (asked.mcpServer !== undefined && !server) ||
      (asked.project !== undefined && !roles),
  };
}

/** The roles that are picked, and the weakest further one that is enough. @returns undefined when none is */
function rolesFor(
  { offeredRoles }: OfferedProject,
  picked: readonly string[],
  needed: readonly string[],
): readonly string[] | undefined {
  const holds = (roles: readonly string[]) =>
    needed.every((name) =>
      offeredRoles.some(({ id, capabilities }) => roles.includes(id) && capabilities?.includes(name)),
    );
  if (picked.length > 0 && holds(picked)) return picked;
  // Strongest first: the weakest that is enough is the last one.
  const enough = offeredRoles.findLast(({ id }) => holds([...picked, id]));
  return enough && [...picked, enough.id];
}
