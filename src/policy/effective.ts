/**
 * The rule: effective = granted ∩ live − limits. The one place where rights are decided; introspection, the token response and
 * every page ask here. Does not know who asks (`audience.ts`), nor what may be granted (`consent-decision.ts`).
 */

import { broughtByRole } from './administration.ts';
import { capabilitiesBoundAt, closeOver, inCatalogueOrder } from './catalogue.ts';
import { hasProjectAccess, holdsOn } from './live-permissions.ts';
import { foldPicks } from './picked-projects.ts';
import type {
  Bound,
  Effective,
  EffectiveMcpServer,
  EffectiveProject,
  Granted,
  Limits,
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
 * A capability, role, project or server that does not exist gives nothing. What the policy limits counts as not granted, and does not
 * come as an implication either: a stricter policy never gives more.
 *
 * @param granted What the authorization says. Organization roles on it add their capabilities by reference.
 * @param live What its owner may do now.
 * @param world What exists now; see {@link World} for what it must contain.
 * @param limits What the policy takes from this authorization now.
 * @returns What holds, in catalogue order for capabilities and in picked order for projects and servers, and one
 *   `withheld` entry for every item that does not. An authorization that does not stand has nothing to explain: all empty.
 */
export function effective(granted: Granted, live: Live, world: World, limits: Limits): Effective {
  if (granted.standing !== 'active') return { organization: [], projects: [], mcpServers: [], withheld: [] };
  const capabilities = grantedCapabilities(granted, world);
  const picks = foldPicks(granted.projects);
  const servers = new Set(granted.mcpServers);
  const nothing = live.status !== 'active' ? 'owner_suspended' : limits.everything && 'policy';
  if (nothing) {
    const withheld = [
      ...capabilities.map((name) => withhold('capability', name, nothing)),
      ...Array.from(picks.keys(), (id) => withhold('project', id, nothing)),
      ...Array.from(servers, (id) => withhold('mcp_server', id, nothing)),
    ];
    return { organization: [], projects: [], mcpServers: [], withheld };
  }

  const grantedAt = Object.groupBy(capabilities, (name) => world.catalogue.get(name)?.bound ?? 'unknown');
  const organization = judgeOrganization(grantedAt.organization ?? [], live, world, limits);
  const onProjects = Array.from(picks, ([id, roles]) =>
    judgeProject(id, roles, grantedAt.project ?? [], live, world, limits),
  );
  const onServers = Array.from(servers, (id) =>
    judgeMcpServer(id, grantedAt.mcp_server ?? [], live, world, limits),
  );
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
    for (const name of broughtByRole(world.roles.get(id)?.permissions ?? [])) named.add(name);
  }
  return inCatalogueOrder(named, world.catalogue);
}

function judgeOrganization(
  granted: readonly string[],
  live: Live,
  { catalogue }: World,
  limits: Limits,
): Verdict<readonly string[]> {
  const { holds, limited } = within(
    granted.filter((name) => live.organization.has(name)),
    catalogue,
    'organization',
    limits,
  );
  const withheld = unite(granted, limited)
    .filter((name) => !holds.includes(name))
    .map((name) => withhold('capability', name, limited.get(name) ?? 'capability_not_held'));
  return { holds, withheld };
}

function judgeProject(
  id: string,
  roleIds: ReadonlySet<string>,
  granted: readonly string[],
  live: Live,
  world: World,
  limits: Limits,
): Verdict<EffectiveProject> {
  const project = world.projects.get(id);
  if (project === undefined) return { withheld: [withhold('project', id, 'project_deleted')] };
  if (!hasProjectAccess(live, id, world.catalogue)) {
    return { withheld: [withhold('project', id, 'owner_lost_access')] };
  }

  const roles = Array.from(roleIds).flatMap((roleId) => world.roles.get(roleId) ?? []);
  const allowed = new Set(granted.filter((name) => roles.some(({ permissions }) => permissions.has(name))));
  const held = granted.filter((name) => allowed.has(name) && holdsOn(live, id, name));
  const { holds: actions, limited } = within(held, world.catalogue, 'project', limits);
  const covered = roles.filter((role) => coversRole(live, id, role, world));
  return {
    holds: { id, slug: project.slug, roles: [...new Set(covered.map(({ slug }) => slug))], actions },
    withheld: unite(granted, limited)
      .filter((name) => !actions.includes(name))
      .map((name) => {
        const unlimited = allowed.has(name) ? 'capability_not_held' : 'role_capped';
        return withhold('project', id, limited.get(name) ?? unlimited, name);
      }),
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
  limits: Limits,
): Verdict<EffectiveMcpServer> {
  const refuse = (reason: WithheldReason) => ({ withheld: [withhold('mcp_server', id, reason)] });
  const server = world.mcpServers.get(id);
  if (server === undefined) return refuse('mcp_server_disabled');
  const { name, project, resource, enabled } = server;
  if (!world.projects.has(project)) return refuse('project_deleted');
  if (!enabled) return refuse('mcp_server_disabled');
  if (!hasProjectAccess(live, project, world.catalogue)) return refuse('owner_lost_access');

  const held = granted.filter((capability) => holdsOn(live, project, capability));
  const { holds: actions, limited } = within(held, world.catalogue, 'mcp_server', limits);
  // A server picked without any capability to call it with is withheld for want of those that would do.
  const wanted = granted.length > 0 ? granted : capabilitiesBoundAt(world.catalogue, 'mcp_server');
  if (wanted.length === 0) return refuse('capability_not_held');
  const withheld = unite(wanted, limited)
    .filter((capability) => !actions.includes(capability))
    .map((capability) =>
      withhold('mcp_server', id, limited.get(capability) ?? 'capability_not_held', capability),
    );
  return actions.length === 0 ? { withheld } : { holds: { id, name, project, resource, actions }, withheld };
}

/**
 * Closes over what is held and takes out what is limited, before and after: what is limited implies nothing, and is not implied.
 * `limited` is what would hold there but for the limits.
 */
function within(
  held: readonly string[],
  catalogue: World['catalogue'],
  bound: Bound,
  { capabilities }: Limits,
): { readonly holds: readonly string[]; readonly limited: ReadonlyMap<string, WithheldReason> } {
  if (capabilities.size === 0) return { holds: closeOver(held, catalogue, bound), limited: new Map() };
  const free = held.filter((name) => !capabilities.has(name));
  const holds = closeOver(free, catalogue, bound).filter((name) => !capabilities.has(name));
  const limited = new Map<string, WithheldReason>();
  for (const name of closeOver(held, catalogue, bound)) {
    const reason = capabilities.get(name);
    if (reason) limited.set(name, reason);
  }
  return { holds, limited };
}

const unite = (names: readonly string[], more: ReadonlyMap<string, unknown>) =>
  more.size === 0 ? names : [...new Set([...names, ...more.keys()])];

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
