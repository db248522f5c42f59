import { boundSlice, type DroppedItem, isNothing, type Slice, type SliceDecision } from './key-decision.ts';
import type { Live, PickedProject, World } from './vocabulary.ts';

/**
 * Decides what an authorization grants after an edit. Pure and total.
 *
 * What it granted before may stay, also while its owner does not hold it (it is withheld, and comes back with the right);
 * what is new is bounded by the owner's live rights, as at consent. So an edit never adds what could not be granted afresh.
 *
 * @param choice What was posted: the whole of what shall be granted.
 * @param before What is granted now.
 * @param live What the owner may do now.
 * @param world Every project, MCP server and role that exists now; what does not exist any more does not stay.
 */
export function decideEdit(choice: Slice, before: Slice, live: Live, world: World): SliceDecision {
  const fresh = boundSlice(choice, live, world);
  const keep = (chosen: readonly string[], had: readonly string[], exists: (id: string) => boolean) =>
    chosen.filter((id) => had.includes(id) && exists(id));

  const hadRoles = new Map<string, string[]>();
  for (const { id, roles } of before.projects) hadRoles.set(id, [...(hadRoles.get(id) ?? []), ...roles]);
  const kept: Slice = {
    capabilities: keep(choice.capabilities, before.capabilities, (name) => world.catalogue.has(name)),
    roles: keep(choice.roles, before.roles, (id) => world.roles.has(id)),
    projects: choice.projects
      .filter(({ id }) => hadRoles.has(id) && world.projects.has(id))
      .map(({ id, roles }) => ({
        id,
        roles: keep(roles, hadRoles.get(id) ?? [], (role) => world.roles.has(role)),
      })),
    mcpServers: keep(choice.mcpServers, before.mcpServers, (id) => world.mcpServers.has(id)),
  };

  const granted: Slice = {
    capabilities: [...world.catalogue.keys()].filter(
      (name) => kept.capabilities.includes(name) || fresh.granted.capabilities.includes(name),
    ),
    roles: union(kept.roles, fresh.granted.roles),
    projects: uniteProjects([...fresh.granted.projects, ...kept.projects]),
    mcpServers: union(kept.mcpServers, fresh.granted.mcpServers),
  };
  const dropped = fresh.dropped.filter((item) => !isGranted(item, granted));
  return isNothing(granted)
    ? { kind: 'refused', reason: 'nothing_chosen', dropped }
    : { kind: 'granted', granted, dropped };
}

const union = (one: readonly string[], other: readonly string[]) => [...new Set([...one, ...other])];

function uniteProjects(picks: readonly PickedProject[]): PickedProject[] {
  const united = new Map<string, readonly string[]>();
  for (const { id, roles } of picks) united.set(id, union(united.get(id) ?? [], roles));
  return Array.from(united, ([id, roles]) => ({ id, roles }));
}

function isGranted(item: DroppedItem, granted: Slice): boolean {
  switch (item.dimension) {
    case 'capability':
      return granted.capabilities.includes(item.identifier);
    case 'organization_role':
      return granted.roles.includes(item.identifier);
    case 'project':
      return granted.projects.some(({ id }) => id === item.identifier);
    case 'mcp_server':
      return granted.mcpServers.includes(item.identifier);
    case 'role':
      return granted.projects.some(({ id, roles }) => id === item.project && roles.includes(item.identifier));
  }
}
