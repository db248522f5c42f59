/** The owner's side of the rule: what live rights amount to on one project, and anywhere. */

import { capabilitiesBoundAt } from './catalogue.ts';
import type { Catalogue, Live, McpServerFacts, World } from './vocabulary.ts';

/**
 * Tells whether the owner holds a permission on a project now. Pure; looks at neither status nor existence.
 * Assignments on the organization hold on every project (DESIGN §1, role assignment).
 */
export function holdsOn(live: Live, projectId: string, permission: string): boolean {
  return live.organization.has(permission) || live.projects.get(projectId)?.has(permission) === true;
}

/**
 * Unites everything the owner holds on a project now. Pure; looks at neither status nor existence.
 *
 * @returns `live.organization ∪ live.projects(projectId)`.
 */
export function livePermissionsOn(live: Live, projectId: string): ReadonlySet<string> {
  const own = live.projects.get(projectId);
  return own === undefined ? live.organization : new Set([...live.organization, ...own]);
}

/**
 * Tells whether the owner has access to a project now. Pure; looks at neither status nor existence.
 * Everybody is a member of the organization, so an organization-bounded right is no access to a project.
 *
 * @returns True iff a project- or MCP-server-bounded capability is held on it.
 */
export function hasProjectAccess(live: Live, projectId: string, catalogue: Catalogue): boolean {
  for (const [name, { bound }] of catalogue) {
    if (bound !== 'organization' && holdsOn(live, projectId, name)) return true;
  }
  return false;
}

/**
 * Tells whether the owner may call an MCP server now. Pure; does not look at status.
 *
 * @returns True iff it is enabled, its project exists, and some MCP-server-bounded capability is held there.
 */
export function mayCall(live: Live, { enabled, project }: McpServerFacts, world: World): boolean {
  if (!enabled || !world.projects.has(project)) return false;
  return capabilitiesBoundAt(world.catalogue, 'mcp_server').some((name) => holdsOn(live, project, name));
}

/**
 * Lists the capabilities that the owner holds where they are bounded. Pure; does not look at status.
 * An organization assignment counts for project- and MCP-server-bounded ones even before there is a project.
 *
 * @returns Capability names, in catalogue order.
 */
export function capabilitiesHeld(live: Live, world: World): string[] {
  const held: string[] = [];
  for (const [name, { bound }] of world.catalogue) {
    if (live.organization.has(name) || (bound !== 'organization' && holdsOnSome(live, world, name))) {
      held.push(name);
    }
  }
  return held;
}

function holdsOnSome(live: Live, world: World, permission: string): boolean {
  for (const [id, permissions] of live.projects) {
    if (permissions.has(permission) && world.projects.has(id)) return true;
  }
  return false;
}
