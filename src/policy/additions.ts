/**
 * What an authorization holds for a while, beside what it was given for good. At any moment it grants its own slice and every
 * addition that has not ended; an addition ends by the clock alone, so that nobody has to write anything for it to be over.
 */
import type { Choice } from './consent-decision.ts';
import type { Slice } from './key-decision.ts';
import { foldPicks } from './picked-projects.ts';

/** Something that was added for a while: capability names, projects with roles, MCP server ids. */
export interface Addition extends Choice {
  readonly id: string;
  /** When it was added, integer seconds: the policy's longest lifetimes of its capabilities count from here. */
  readonly at: number;
  /** It is granted until just before here; integer seconds. */
  readonly until: number;
  /** Id of whoever added it. */
  readonly by: string;
}

/** Additions that one authorization may have at once. */
export const mostAdditions = 10;
/** The longest for which something is added; what is to last longer is an ordinary edit. */
export const longestAdditionSeconds = 30 * 86_400;

/** Lists the additions that have not ended. Pure. @param now integer seconds */
export function runningAdditions(additions: readonly Addition[], now: number): readonly Addition[] {
  return additions.every(({ until }) => now < until)
    ? additions
    : additions.filter(({ until }) => now < until);
}

/**
 * Unites what is granted for good with what is granted for a while. Pure and total: never less than the slice, and exactly the slice
 * from the end of the last addition on.
 */
export function withAdditions<Given extends Choice>(
  slice: Given,
  additions: readonly Addition[],
  now: number,
): Given {
  const running = runningAdditions(additions, now);
  return running.length === 0 ? slice : unite(slice, running);
}

/** Adds choices to a slice. Pure. */
export function unite<Given extends Choice>(slice: Given, more: readonly Choice[]): Given {
  const all = [slice, ...more];
  return {
    ...slice,
    capabilities: [...new Set(all.flatMap(({ capabilities }) => capabilities))],
    projects: Array.from(foldPicks(all.flatMap(({ projects }) => projects)), ([id, roles]) => ({
      id,
      roles: [...roles],
    })),
    mcpServers: [...new Set(all.flatMap(({ mcpServers }) => mcpServers))],
  };
}

/**
 * Parts a choice into what stays for good and what is new and holds for a while. Pure. What was taken out of the slice is taken out
 * for good; where a project has another role for a while, the roles that it had stay, for it falls back to them.
 *
 * @param choice the whole of what shall be granted meanwhile
 * @param before what is granted for good
 */
export function splitAddition(
  choice: Slice,
  before: Slice,
): { readonly base: Slice; readonly added: Choice; readonly addedRoles: readonly string[] } {
  const had = foldPicks(before.projects);
  const picked = Array.from(foldPicks(choice.projects), ([id, roles]) => {
    const old = had.get(id);
    return { id, roles: [...roles], old, fresh: [...roles].filter((role) => !old?.has(role)) };
  });
  const among = (names: readonly string[], others: readonly string[]) =>
    names.filter((name) => others.includes(name));
  const beyond = (names: readonly string[], others: readonly string[]) =>
    names.filter((name) => !others.includes(name));
  return {
    base: {
      capabilities: among(before.capabilities, choice.capabilities),
      roles: among(before.roles, choice.roles),
      projects: picked.flatMap(({ id, roles, old, fresh }) =>
        old === undefined ? [] : { id, roles: fresh.length === 0 ? roles : [...old] },
      ),
      mcpServers: among(before.mcpServers, choice.mcpServers),
    },
    added: {
      capabilities: beyond(choice.capabilities, before.capabilities),
      projects: picked.flatMap(({ id, old, fresh }) =>
        old !== undefined && fresh.length === 0 ? [] : { id, roles: fresh },
      ),
      mcpServers: beyond(choice.mcpServers, before.mcpServers),
    },
    addedRoles: beyond(choice.roles, before.roles),
  };
}

/** Tells whether nothing is added. Pure. */
export function addsNothing({ capabilities, projects, mcpServers }: Choice): boolean {
  return capabilities.length === 0 && projects.length === 0 && mcpServers.length === 0;
}
