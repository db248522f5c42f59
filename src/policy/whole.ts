import { broughtByRole } from './administration.ts';
import { capabilitiesHeld, hasProjectAccess, mayCall } from './live-permissions.ts';
import type { Granted, Live, World } from './vocabulary.ts';

/** Role ids assigned to a user: on the organization, and by project id. */
export interface AssignedRoles {
  readonly organization: readonly string[];
  readonly projects: ReadonlyMap<string, readonly string[]>;
}

/**
 * Writes out the authorization that is the owner itself: a service account's client that names no slice of its own
 * (RFC 6749 §4.4). Pure. It is computed when the question is asked, never stored, so it never outlives a right.
 *
 * @param live What the owner may do now.
 * @param world Every project, server and assigned role that exists now.
 * @param assigned The owner's roles, the ones that `live` was derived from. A project's roles are those assigned on it
 *   and those assigned on the organization.
 * @returns A standing grant whose `effective` is exactly `live`, on every bound, save for the right to administer Mandate.
 */
export function wholeOf(live: Live, world: World, assigned: AssignedRoles): Granted {
  const projects = [];
  for (const id of world.projects.keys()) {
    if (!hasProjectAccess(live, id, world.catalogue)) continue;
    const roles = new Set([...(assigned.projects.get(id) ?? []), ...assigned.organization]);
    projects.push({ id, roles: [...roles] });
  }
  const mcpServers = [];
  for (const [id, server] of world.mcpServers) {
    if (mayCall(live, server, world)) mcpServers.push(id);
  }
  // To administer Mandate has to be handed over by name.
  const capabilities = broughtByRole(capabilitiesHeld(live, world));
  return { standing: 'active', capabilities, roles: [], projects, mcpServers };
}
