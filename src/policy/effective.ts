/**
 * The rule: effective = granted ∩ live. The one place where rights are decided; introspection, the token response and
 * every page ask here. Does not know who asks (`audience.ts`), nor what may be granted (`consent-decision.ts`).
 */

import { capabilitiesBoundAt, closeOver, inCatalogueOrder } from './catalogue.ts';
import { hasProjectAccess, holdsOn } from './live-permissions.ts';
import { foldPicks } from './picked-projects.ts';
import type {
  Effective,
  EffectiveMcpServer,
  EffectiveProject,
  Granted,
  Live,
  RoleFacts,
  Withheld,
  WithheldReason,
  World,
} from './vocabulary.ts';

/** One item judged: what holds of it, if anything does, and what does not, with reasons. */
interface Verdict<Item> {
  readonly holds?: Item;
  readonly withheld: readonly Withheld[];
}

/**
 * Computes what an authorization allows now. Pure and total: reads its arguments only, never throws.
 *
 * The result is within what was granted and within what the owner holds, save for implied capabilities, which are added
 * after the intersection; granting more or holding more never takes anything away; an empty list never means "all".
 * A capability, role, project or server that does not exist gives nothing.
 *
 * @param granted What the authorization says. Organization roles on it add their capabilities by reference.
 * @param live What its owner may do now.
 * @param world What exists now; see {@link World} for what it must contain.
 * @returns What holds, in catalogue order for capabilities and in picked order for projects and servers, and one
 *   `withheld` entry for every item that does not. An authorization that does not stand has nothing to explain: all empty.
 */
export function effective(granted: Granted, live: Live, world: World): Effective {
  if (granted.standing !== 'active') return { organization: [], projects: [], mcpServers: [], withheld: [] };
  const capabilities = grantedCapabilities(granted, world);
  const picks = foldPicks(granted.projects);
  const servers = new Set(granted.mcpServers);
  if (live.status !== 'active') {
    const withheld = [
      ...capabilities.map((name) => withhold('capability', name, 'owner_suspended')),
      ...Array.from(picks.keys(), (id) => withhold('project', id, 'owner_suspended')),
      ...Array.from(servers, (id) => withhold('mcp_server', id, 'owner_suspended')),
    ];
    return { organization: [], projects: [], mcpServers: [], withheld };
  }

  const grantedAt = Object.groupBy(capabilities, (name) => world.catalogue.get(name)?.bound ?? 'unknown');
  const organization = judgeOrganization(grantedAt.organization ?? [], live, world);
  const onProjects = Array.from(picks, ([id, roles]) =>
    judgeProject(id, roles, grantedAt.project ?? [], live, world),
  );
  const onServers = Array.from(servers, (id) => judgeMcpServer(id, grantedAt.mcp_server ?? [], live, world));
  return {
    organization: organization.holds ?? [],
    projects: onProjects.flatMap(({ holds }) => holds ?? []),
    mcpServers: onServers.flatMap(({ holds }) => holds ?? []),
    withheld: [organization, ...onProjects, ...onServers].flatMap(({ withheld }) => withheld),
  };
}

/** Lists what is granted by name or through an organization role, catalogue names only, in catalogue order. */
function grantedCapabilities(granted: Granted, world: World): string[] {
  const named = new Set(granted.capabilities);
  for (const id of granted.roles) {
    for (const permission of world.roles.get(id)?.permissions ?? []) named.add(permission);
  }
  return inCatalogueOrder(named, world.catalogue);
}

function judgeOrganization(
  granted: readonly string[],
  live: Live,
  { catalogue }: World,
): Verdict<readonly string[]> {
  const held = granted.filter((name) => live.organization.has(name));
  const holds = closeOver(held, catalogue, 'organization');
  const withheld = granted
    .filter((name) => !holds.includes(name))
    .map((name) => withhold('capability', name, 'capability_not_held'));
  return { holds, withheld };
}

function judgeProject(
  id: string,
  roleIds: ReadonlySet<string>,
  granted: readonly string[],
  live: Live,
  world: World,
): Verdict<EffectiveProject> {
  const project = world.projects.get(id);
  if (project === undefined) return { withheld: [withhold('project', id, 'project_deleted')] };
  if (!hasProjectAccess(live, id, world.catalogue)) {
    return { withheld: [withhold('project', id, 'owner_lost_access')] };
  }

  const roles = Array.from(roleIds).flatMap((roleId) => world.roles.get(roleId) ?? []);
  const allowed = new Set(granted.filter((name) => roles.some(({ permissions }) => permissions.has(name))));
  const held = granted.filter((name) => allowed.has(name) && holdsOn(live, id, name));
  const actions = closeOver(held, world.catalogue, 'project');
  const covered = roles.filter((role) => coversRole(live, id, role, world));
  return {
    holds: { id, slug: project.slug, roles: [...new Set(covered.map(({ slug }) => slug))], actions },
    withheld: granted
      .filter((name) => !actions.includes(name))
      .map((name) =>
        withhold('project', id, allowed.has(name) ? 'capability_not_held' : 'role_capped', name),
      ),
  };
}

/** A role is shown only while the owner's rights cover it whole: a resource server may read meaning into its name. */
function coversRole(live: Live, projectId: string, role: RoleFacts, { catalogue }: World): boolean {
  for (const [name, { bound }] of catalogue) {
    if (bound !== 'organization' && role.permissions.has(name) && !holdsOn(live, projectId, name))
      return false;
  }
  return true;
}

function judgeMcpServer(
  id: string,
  granted: readonly string[],
  live: Live,
  world: World,
): Verdict<EffectiveMcpServer> {
  const refuse = (reason: WithheldReason) => ({ withheld: [withhold('mcp_server', id, reason)] });
  const server = world.mcpServers.get(id);
  if (server === undefined) return refuse('mcp_server_disabled');
  const { name, project, resource, enabled } = server;
  if (!world.projects.has(project)) return refuse('project_deleted');
  if (!enabled) return refuse('mcp_server_disabled');
  if (!hasProjectAccess(live, project, world.catalogue)) return refuse('owner_lost_access');

  const held = granted.filter((capability) => holdsOn(live, project, capability));
  const actions = closeOver(held, world.catalogue, 'mcp_server');
  // A server picked without any capability to call it with is withheld for want of those that would do.
  const wanted = granted.length > 0 ? granted : capabilitiesBoundAt(world.catalogue, 'mcp_server');
  if (wanted.length === 0) return refuse('capability_not_held');
  const withheld = wanted
    .filter((capability) => !actions.includes(capability))
    .map((capability) => withhold('mcp_server', id, 'capability_not_held', capability));
  return actions.length === 0 ? { withheld } : { holds: { id, name, project, resource, actions }, withheld };
}

function withhold(
  dimension: Withheld['dimension'],
  identifier: string,
  reason: WithheldReason,
  capability?: string,
): Withheld {
  return capability === undefined
    ? { dimension, identifier, reason }
    : { dimension, identifier, capability, reason };
}
