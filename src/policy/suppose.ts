/** Changes that have not been made: what a person's rights and the world would be after them. Decides nothing. */

import type { Policy } from './policy.ts';
import type { Effective, Live, World } from './vocabulary.ts';
import type { AssignedRoles } from './whole.ts';

/** One change to suppose. All names are ids. */
export type Supposition =
  | { readonly kind: 'user_suspended'; readonly user: string }
  | {
      readonly kind: 'role_unassigned';
      readonly user: string;
      readonly role: string;
      /** Null: on the organization. */
      readonly project: string | null;
    }
  | { readonly kind: 'role_changed'; readonly role: string; readonly permissions: readonly string[] }
  | { readonly kind: 'project_deleted'; readonly project: string }
  | { readonly kind: 'mcp_server_disabled'; readonly mcpServer: string }
  | { readonly kind: 'policy_changed'; readonly policy: Policy };

/** What the rule reads of a user. */
export interface OwnerRights {
  readonly id: string;
  readonly live: Live;
  /** The roles that `live` was derived from. */
  readonly assigned: AssignedRoles;
}

/**
 * Writes out what would be after a change. Pure; the arguments stay as they are.
 *
 * @param world Everything that exists now, every role included.
 */
export function suppose(
  supposition: Supposition,
  owner: OwnerRights,
  world: World,
): { readonly live: Live; readonly world: World; readonly assigned: AssignedRoles } {
  const same = { live: owner.live, world, assigned: owner.assigned };
  switch (supposition.kind) {
    case 'user_suspended':
      return owner.id === supposition.user ? { ...same, live: { ...owner.live, status: 'suspended' } } : same;
    case 'role_unassigned': {
      if (owner.id !== supposition.user) return same;
      const assigned = without(owner.assigned, supposition.role, supposition.project);
      return { ...same, assigned, live: liveFrom(owner.live.status, assigned, world) };
    }
    case 'role_changed': {
      const role = world.roles.get(supposition.role);
      if (!role) return same;
      const changed = { ...role, permissions: new Set(supposition.permissions) };
      const after = { ...world, roles: new Map([...world.roles, [supposition.role, changed]]) };
      return { ...same, world: after, live: liveFrom(owner.live.status, owner.assigned, after) };
    }
    case 'project_deleted': {
      const projects = new Map([...world.projects].filter(([id]) => id !== supposition.project));
      // Its servers go with it, as the directory does it.
      const mcpServers = new Map(
        [...world.mcpServers].filter(([, server]) => server.project !== supposition.project),
      );
      return { ...same, world: { ...world, projects, mcpServers } };
    }
    case 'mcp_server_disabled': {
      const mcpServers = new Map(
        [...world.mcpServers].map(([id, server]) => [
          id,
          id === supposition.mcpServer ? { ...server, enabled: false } : server,
        ]),
      );
      return { ...same, world: { ...world, mcpServers } };
    }
    case 'policy_changed':
      return same;
  }
}

/** Says which policy would be in force after a change. Pure. @param policy the one in force now */
export function supposedPolicy(supposition: Supposition, policy: Policy): Policy {
  return supposition.kind === 'policy_changed' ? supposition.policy : policy;
}

/** One thing that holds in one answer of the rule and not in another. */
export interface Lost {
  readonly dimension: 'capability' | 'project' | 'mcp_server';
  /** Capability name, project id or MCP server id. */
  readonly identifier: string;
  /** What is lost there; absent: the place itself. */
  readonly capability?: string;
}

/** Lists what holds before and not after. Pure. */
export function lostBetween(before: Effective, after: Effective): Lost[] {
  const lost: Lost[] = before.organization
    .filter((name) => !after.organization.includes(name))
    .map((identifier) => ({ dimension: 'capability', identifier }));
  for (const [dimension, places, left] of [
    ['project', before.projects, after.projects],
    ['mcp_server', before.mcpServers, after.mcpServers],
  ] as const) {
    for (const { id, actions } of places) {
      const still = left.find((place) => place.id === id);
      if (!still) lost.push({ dimension, identifier: id });
      for (const capability of actions) {
        if (still && !still.actions.includes(capability))
          lost.push({ dimension, identifier: id, capability });
      }
    }
  }
  return lost;
}

function without(assigned: AssignedRoles, role: string, project: string | null): AssignedRoles {
  const drop = (roles: readonly string[]) => roles.filter((id) => id !== role);
  if (project === null) return { ...assigned, organization: drop(assigned.organization) };
  return {
    ...assigned,
    projects: new Map(
      [...assigned.projects].map(([id, roles]) => [id, id === project ? drop(roles) : roles]),
    ),
  };
}

function liveFrom(status: Live['status'], assigned: AssignedRoles, world: World): Live {
  const permissionsOf = (roles: readonly string[]) =>
    new Set(roles.flatMap((id) => [...(world.roles.get(id)?.permissions ?? [])]));
  return {
    status,
    organization: permissionsOf(assigned.organization),
    projects: new Map([...assigned.projects].map(([id, roles]) => [id, permissionsOf(roles)])),
  };
}
