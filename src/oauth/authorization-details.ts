/**
 * Rights as RFC 9396 authorization details: the same objects in token responses and in introspection. Pure.
 */
import type { EffectiveMcpServer, EffectiveProject } from '../policy/vocabulary.ts';

/** One entry for each project and MCP server that the token reaches now. */
export function authorizationDetails(rights: {
  projects: readonly EffectiveProject[];
  mcpServers: readonly EffectiveMcpServer[];
}) {
  return [
    ...rights.projects.map(({ id, slug, roles, actions }) => ({
      type: 'project' as const,
      identifier: id,
      slug,
      roles: [...roles],
      actions: [...actions],
    })),
    ...rights.mcpServers.map(({ id, resource, actions }) => ({
      type: 'mcp_server' as const,
      identifier: id,
      locations: [resource],
      actions: [...actions],
    })),
  ];
}

/** Names the authorization itself: always there, because the library forgets a token family whose details were once empty. */
export function authorizationReference(authorizationId: string) {
  return { type: 'authorization' as const, identifier: authorizationId };
}
