import type { Seen } from './audience.ts';

/**
 * Narrows an answer to the scope that a token was issued with, for a token that was asked to carry less than its authorization.
 * Pure.
 * @param ceiling capability names; what is not among them is not in the result
 * @returns undefined when nothing is left
 */
export function narrowTo(seen: Seen, ceiling: ReadonlySet<string>): Seen | undefined {
  const within = (names: readonly string[]) => names.filter((name) => ceiling.has(name));
  const scope = within(seen.scope);
  if (scope.length === 0) return undefined;
  return {
    scope,
    projects: seen.projects.map((project) => ({ ...project, actions: within(project.actions) })),
    mcpServers: seen.mcpServers
      .map((server) => ({ ...server, actions: within(server.actions) }))
      .filter(({ actions }) => actions.length > 0),
    withheld: seen.withheld,
  };
}
