/**
 * Judges what a person chose to hand over: only what they may delegate at that moment becomes a grant.
 * Does not read forms or write rows, and decides nothing about later: `effective.ts` asks again at every question.
 */

import { capabilitiesBoundAt } from './catalogue.ts';
import { capabilitiesHeld, hasProjectAccess, holdsOn, mayCall } from './live-permissions.ts';
import { foldPicks } from './picked-projects.ts';
import type { Granted, Live, PickedProject, World } from './vocabulary.ts';

/** What was posted: strings from a form or from JSON, believed in nothing. */
export interface Choice {
  /** Capability names. */
  readonly capabilities: readonly string[];
  readonly projects: readonly PickedProject[];
  /** MCP server ids. */
  readonly mcpServers: readonly string[];
}

/**
 * One posted item that did not become part of the grant. `why` is for the audit record, not for the page: the
 * difference tells what exists. A role names the project that it was picked for.
 */
export type Dropped =
  | {
      readonly dimension: 'capability' | 'project' | 'mcp_server';
      readonly identifier: string;
      readonly why: 'not_yours' | 'unknown';
    }
  | {
      readonly dimension: 'role';
      readonly identifier: string;
      readonly project: string;
      readonly why: 'not_yours' | 'unknown';
    };

/** The judgement of a posted consent; both kinds carry what was dropped on the way. */
export type ConsentDecision =
  | {
      readonly kind: 'granted';
      readonly granted: Pick<Granted, 'capabilities' | 'projects' | 'mcpServers'>;
      readonly dropped: readonly Dropped[];
    }
  | { readonly kind: 'refused'; readonly reason: 'nothing_chosen'; readonly dropped: readonly Dropped[] };

/**
 * Lists the capabilities that a person may hand over now. Pure. A suspended user may hand over nothing.
 *
 * @returns Capabilities held where they are bounded (on the organization, or on some project), in catalogue order.
 */
export function delegableCapabilities(live: Live, world: World): string[] {
  return live.status === 'active' ? capabilitiesHeld(live, world) : [];
}

/**
 * Lists the roles that a person may pick for a project now. Pure. A suspended user may pick none.
 * A role counts by its project- and MCP-server-bounded capabilities: it must have some, and the person must hold all.
 *
 * @param projectId Project id; a project that does not exist offers no role.
 * @returns Role ids, those with most such capabilities first, equals in the order of `world.roles`.
 */
export function offeredRoles(live: Live, projectId: string, world: World): string[] {
  if (live.status !== 'active' || !world.projects.has(projectId)) return [];
  const bounded = [
    ...capabilitiesBoundAt(world.catalogue, 'project'),
    ...capabilitiesBoundAt(world.catalogue, 'mcp_server'),
  ];
  const offered: { id: string; height: number }[] = [];
  for (const [id, { permissions }] of world.roles) {
    const carried = bounded.filter((name) => permissions.has(name));
    if (carried.length > 0 && carried.every((name) => holdsOn(live, projectId, name))) {
      offered.push({ id, height: carried.length });
    }
  }
  return offered.sort((one, other) => other.height - one.height).map(({ id }) => id);
}

/**
 * Decides what a posted consent grants. Pure and total: never throws, whatever the strings are.
 *
 * Keeps a capability that the person holds, a project that they have access to, a role that is offered on it, and an
 * enabled MCP server that they may call; folds duplicates; drops the rest with the reason. A project may be left without
 * a role and a server without the capability to call it: that gives nothing, it never means "all".
 *
 * @param choice What was posted.
 * @param live What the person may do now.
 * @param world Every project, MCP server and role that exists now.
 * @returns The grant, capabilities in catalogue order, the rest as picked. Refused when no capability is left: an
 *   authorization of nothing is not made.
 */
export function decideConsent(choice: Choice, live: Live, world: World): ConsentDecision {
  const { granted, dropped } = boundChoice(choice, live, world);
  return granted.capabilities.length === 0
    ? { kind: 'refused', reason: 'nothing_chosen', dropped }
    : { kind: 'granted', granted, dropped };
}

/**
 * Cuts a choice down to what a person may hand over now. Pure and total; what {@link decideConsent} keeps and drops, without
 * the verdict on an empty rest.
 */
export function boundChoice(
  choice: Choice,
  live: Live,
  world: World,
): { readonly granted: Choice; readonly dropped: readonly Dropped[] } {
  const dropped: Dropped[] = [];

  const delegable = delegableCapabilities(live, world);
  const named = new Set(choice.capabilities);
  const capabilities = delegable.filter((name) => named.delete(name));
  for (const identifier of named) {
    dropped.push({ dimension: 'capability', identifier, why: whyNot(world.catalogue.has(identifier)) });
  }

  const projects: PickedProject[] = [];
  for (const [id, picked] of foldPicks(choice.projects)) {
    const exists = world.projects.has(id);
    if (!exists || live.status !== 'active' || !hasProjectAccess(live, id, world.catalogue)) {
      dropped.push({ dimension: 'project', identifier: id, why: whyNot(exists) });
      continue;
    }
    const offered = new Set(offeredRoles(live, id, world));
    const roles: string[] = [];
    for (const role of picked) {
      if (offered.has(role)) roles.push(role);
      else {
        dropped.push({
          dimension: 'role',
          identifier: role,
          project: id,
          why: whyNot(world.roles.has(role)),
        });
      }
    }
    projects.push({ id, roles });
  }

  const mcpServers: string[] = [];
  for (const id of new Set(choice.mcpServers)) {
    const server = world.mcpServers.get(id);
    if (server !== undefined && live.status === 'active' && mayCall(live, server, world)) mcpServers.push(id);
    else dropped.push({ dimension: 'mcp_server', identifier: id, why: whyNot(server !== undefined) });
  }

  return { granted: { capabilities, projects, mcpServers }, dropped };
}

function whyNot(exists: boolean): Dropped['why'] {
  return exists ? 'not_yours' : 'unknown';
}
