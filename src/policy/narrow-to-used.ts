/** What is left of a slice when it keeps only what it was used for. */
import { broughtByRole } from './administration.ts';
import type { Slice } from './key-decision.ts';
import type { World } from './vocabulary.ts';

/** Something that an authorization was used for. */
export interface Use {
  readonly capability: string;
  /** Project or MCP server id; null for the organization. */
  readonly place: string | null;
  /** Integer seconds. */
  readonly at: number;
}

/**
 * Narrows a slice to what was used at or after an instant. Pure; the result is never wider. Roles of a key give way to those of
 * their capabilities that were used: a role stands for more than anybody used.
 */
export function narrowToUsed(
  slice: Slice,
  uses: readonly Use[],
  since: number,
  world: Pick<World, 'roles'>,
): Slice {
  const recent = uses.filter(({ at }) => at >= since);
  const capabilities = new Set(recent.map(({ capability }) => capability));
  const places = new Set(recent.map(({ place }) => place));
  const servers = new Set(recent.filter(({ capability }) => capability === 'mcp').map(({ place }) => place));
  const brought = slice.roles.flatMap((id) => broughtByRole(world.roles.get(id)?.permissions ?? new Set()));
  return {
    capabilities: [...new Set([...slice.capabilities, ...brought])].filter((name) => capabilities.has(name)),
    projects: slice.projects.filter(({ id }) => places.has(id)),
    mcpServers: slice.mcpServers.filter((id) => servers.has(id)),
    roles: [],
  };
}
