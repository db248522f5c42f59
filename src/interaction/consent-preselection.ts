/** Decides what is ticked when the consent page opens. Pure: what was asked and what is held in, a choice out. */

import { administration } from '../policy/administration.ts';
import type { Catalogue } from '../policy/vocabulary.ts';

/** Where a choice starts: what the tool asked for, only what reads, by hand, or as it was last time. */
export type Preset = 'asked' | 'read' | 'custom' | 'last';

export const presets: readonly Preset[] = ['asked', 'read', 'custom', 'last'];

/** A role that the person may hand over on a project. */
export interface OfferedRole {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  /** Its capabilities, when known: lets the page start from the weakest role that is enough, and count truthfully. */
  readonly capabilities?: readonly string[] | undefined;
}

export interface OfferedProject {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  /** Strongest first. */
  readonly offeredRoles: readonly OfferedRole[];
  /** The person's own role there, as people read it. */
  readonly yourRole: string;
}

export interface OfferedServer {
  readonly id: string;
  readonly name: string;
  readonly resource: string;
  readonly projectId: string;
  readonly projectSlug: string;
}

/** What the request names. */
export interface Asked {
  /** Capability names that it names itself; a default that we filled in does not belong here. */
  readonly capabilities: readonly string[];
  readonly projects?: readonly PickedRoles[] | undefined;
  /** MCP server ids. */
  readonly mcpServers?: readonly string[] | undefined;
  /** The resource in its registered form. */
  readonly resource?: string | undefined;
  /** Says so when the resource is an MCP server that this person may not call; else it is found by its URL. */
  readonly resourceKind?: 'api' | 'mcp_server' | undefined;
}

export interface PickedRoles {
  readonly id: string;
  readonly roles: readonly string[];
}

/** What was chosen the last time, or just now when the page is shown again. */
export interface PreviousChoice {
  readonly capabilities: readonly string[];
  readonly projects: readonly PickedRoles[];
  readonly mcpServers: readonly string[];
  /** Seconds; null is until revoked. */
  readonly lifetimeSeconds?: number | null | undefined;
}

export interface Offer {
  readonly catalogue: Catalogue;
  /** Capability names that the person may hand over. */
  readonly delegable: readonly string[];
  readonly projects: readonly OfferedProject[];
  readonly servers: readonly OfferedServer[];
}

/** The resource that the request names, as the page shows it. */
export type Target =
  | { readonly kind: 'mcp_server'; readonly server: OfferedServer }
  | { readonly kind: 'mcp_server_unavailable'; readonly resource: string }
  | { readonly kind: 'api'; readonly resource: string };

export interface Selection {
  readonly capabilities: ReadonlySet<string>;
  /** Project id → role id to start from; null where no role is offered. */
  readonly projects: ReadonlyMap<string, string | null>;
  readonly servers: ReadonlySet<string>;
}

/** Finds what the request is for. Pure. */
export function targetOf(asked: Asked, servers: readonly OfferedServer[]): Target | undefined {
  const { resource } = asked;
  if (resource === undefined) return undefined;
  const server = servers.find((candidate) => candidate.resource === resource);
  if (server !== undefined) return { kind: 'mcp_server', server };
  return asked.resourceKind === 'mcp_server'
    ? { kind: 'mcp_server_unavailable', resource }
    : { kind: 'api', resource };
}

/**
 * Chooses what is ticked. Pure. Only what is offered, never more than what was asked for: a sensitive capability only when
 * the request names it, the least that is useful (`mcp` or `api`) when it names none, projects only when it names them.
 *
 * @param previous Wins over what was asked, unless a preset says otherwise.
 * @param preset The preset that was picked; none yet means the last choice, if there is one.
 */
export function preselect(
  offer: Offer,
  asked: Asked,
  previous: PreviousChoice | undefined,
  preset: Preset | undefined,
): Selection {
  const delegable = new Set(offer.delegable);
  const target = targetOf(asked, offer.servers);
  const from = previous !== undefined && (preset === undefined || preset === 'last') ? previous : undefined;

  // To administer Mandate takes a tick by hand, however it was asked for.
  const named = from?.capabilities ?? asked.capabilities.filter((name) => name !== administration);
  let capabilities = new Set(named.filter((name) => delegable.has(name)));
  if (preset === 'read') {
    capabilities = new Set([...capabilities].filter((name) => isReading(name, offer.catalogue)));
  }
  if (
    from === undefined &&
    (asked.capabilities.length === 0 || preset === 'read') &&
    capabilities.size === 0
  ) {
    // A request that names no resource is for the API: that is what its tokens will be for.
    const baseline = target === undefined || target.kind === 'api' ? ['api'] : ['mcp'];
    for (const name of baseline) if (delegable.has(name)) capabilities.add(name);
  }

  const projects = new Map<string, string | null>();
  for (const pick of from?.projects ?? asked.projects ?? []) {
    const project = offer.projects.find(({ id }) => id === pick.id);
    if (project !== undefined) {
      projects.set(project.id, startingRole(project, pick.roles, capabilities, preset, offer.catalogue));
    }
  }

  const servers = new Set<string>();
  const namedServers = new Set(from?.mcpServers ?? asked.mcpServers ?? []);
  for (const { id } of offer.servers) if (namedServers.has(id)) servers.add(id);
  if (from === undefined && target?.kind === 'mcp_server') servers.add(target.server.id);
  return { capabilities, projects, servers };
}

/**
 * Picks the role that a project's menu starts from. Pure. The first of `wanted` that is offered; else the weakest that
 * carries every chosen capability bounded to projects; else the strongest. For reading, the weakest.
 */
export function startingRole(
  project: OfferedProject,
  wanted: readonly string[],
  capabilities: ReadonlySet<string>,
  preset: Preset | undefined,
  catalogue: Catalogue,
): string | null {
  const roles = project.offeredRoles;
  const weakest = roles.at(-1)?.id ?? null;
  if (preset === 'read') return weakest;
  const asked = roles.find(({ id, slug }) => wanted.includes(id) || wanted.includes(slug));
  if (asked !== undefined) return asked.id;
  const needed = [...capabilities].filter((name) => catalogue.get(name)?.bound === 'project');
  const enough = roles.findLast(
    (role) => role.capabilities !== undefined && needed.every((name) => role.capabilities?.includes(name)),
  );
  return needed.length > 0 && enough !== undefined ? enough.id : (roles[0]?.id ?? null);
}

/** Says whether a capability only reads: its name says so, or it names no operation at all and is not sensitive. */
function isReading(name: string, catalogue: Catalogue): boolean {
  if (catalogue.get(name)?.sensitive !== false) return false;
  const operation = name.split(':')[1];
  return operation === undefined || ['view', 'read', 'list'].includes(operation);
}
