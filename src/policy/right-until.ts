/** Until when an answer about an authorization is right, as long as nothing but the clock changes. */
import type { Addition } from './additions.ts';
import type { Seen } from './audience.ts';
import type { TimedLimits } from './limits.ts';

/**
 * Finds the first moment at which time alone takes something from what a resource server was shown: whoever keeps the answer asks
 * again from there on. Pure; what takes nothing from this resource server's part may be left out, nothing else.
 *
 * @param seen its part of the authorization before a token's own scope narrows it: what another capability implies ends with that one
 * @param additions those that have not ended
 * @returns integer seconds, or infinite
 */
export function rightUntil(
  seen: Seen,
  { end, ends }: Pick<TimedLimits, 'end' | 'ends'>,
  additions: readonly Addition[],
): number {
  let until = end;
  for (const name of seen.scope) until = Math.min(until, ends.get(name) ?? until);
  for (const addition of additions) if (concerns(addition, seen)) until = Math.min(until, addition.until);
  return until;
}

/** Whatever an addition brings shows by a capability, a project or a server that it names. */
function concerns({ capabilities, projects, mcpServers }: Addition, seen: Seen): boolean {
  return (
    capabilities.some((name) => seen.scope.includes(name)) ||
    projects.some(({ id }) => seen.projects.some((project) => project.id === id)) ||
    mcpServers.some((id) => seen.mcpServers.some((server) => server.id === id))
  );
}
