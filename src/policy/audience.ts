import { administration } from './administration.ts';
import { inCatalogueOrder } from './catalogue.ts';
import type { Catalogue, Effective, EffectiveMcpServer, EffectiveProject, Withheld } from './vocabulary.ts';

/** What one resource server guards. */
export interface Guarded {
  /** Whether it serves the platform's API. */
  readonly api: boolean;
  /** Ids of the MCP servers that it serves. */
  readonly mcpServers: ReadonlySet<string>;
  /** It is Mandate's own API, which guards the administration and nothing else. */
  readonly administration?: boolean;
}

/** The part of an authorization that concerns one resource server. */
export interface Seen {
  /** Capability names, in catalogue order. */
  readonly scope: readonly string[];
  readonly projects: readonly EffectiveProject[];
  readonly mcpServers: readonly EffectiveMcpServer[];
  readonly withheld: readonly Withheld[];
}

/**
 * Cuts what holds down to what one resource server may see (RFC 7662 §2.2: no more than it needs). Pure.
 *
 * Mandate's own API sees whether the token may administer, and nobody else does.
 * One that serves the API sees the organization's capabilities and every project. One that serves MCP servers sees those
 * of them that hold and, because a server works inside its project, what holds on their projects; nothing else.
 *
 * @param effective What holds now.
 * @param guarded What the caller guards.
 * @param catalogue Gives `scope` its order.
 * @returns That part, always within `effective`; undefined when nothing is left that the caller guards: no capability there, whatever
 *   was picked. So a scope is never empty.
 */
export function seenBy(effective: Effective, guarded: Guarded, catalogue: Catalogue): Seen | undefined {
  if (guarded.administration) {
    if (!effective.organization.includes(administration)) return undefined;
    return { scope: [administration], projects: [], mcpServers: [], withheld: [] };
  }
  const mcpServers = effective.mcpServers.filter(({ id }) => guarded.mcpServers.has(id));
  const homes = new Set(mcpServers.map(({ project }) => project));
  const projects = effective.projects.filter(({ id }) => guarded.api || homes.has(id));
  const names = new Set(guarded.api ? effective.organization : []);
  for (const { actions } of [...projects, ...mcpServers]) {
    for (const name of actions) names.add(name);
  }
  names.delete(administration);
  const scope = inCatalogueOrder(names, catalogue);
  // A project on which nothing may be done is nothing that anybody guards; every action of what is listed is in the scope.
  if (scope.length === 0) return undefined;

  const withheld = effective.withheld.filter(({ dimension, identifier }) => {
    if (identifier === administration) return false;
    if (dimension === 'mcp_server') return guarded.mcpServers.has(identifier);
    return guarded.api || (dimension === 'project' && homes.has(identifier));
  });
  return { scope, projects, mcpServers, withheld };
}
