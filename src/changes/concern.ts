/** Whom a change of an authorization concerns: the resource servers that could have been told that it is active. Pure. */
import type { Catalogue } from '../policy/vocabulary.ts';

/** What of an authorization tells where it can be used; as it was, or as it is. */
export interface Reach {
  /** It allows whatever its owner may do. */
  readonly followsOwner?: boolean;
  /** Capability names. */
  readonly capabilities?: readonly string[];
  /** Role ids held at the organization, each with capabilities of its own. */
  readonly roles?: readonly string[];
  /** MCP server ids. */
  readonly mcpServers?: readonly string[];
  /** The one audience that it is for, of what was handed on. */
  readonly audience?: string;
}

/** What a resource server answers for. */
export interface ConcernedBy {
  readonly apiAudiences: readonly string[];
  readonly mcpServers: readonly { readonly id: string }[];
}

/**
 * Tells whether an authorization of this reach could be active at a resource server, whatever its owner's rights are.
 * Never false where introspection could have said `active:true` (`policy/audience.ts`), and never true because of what another
 * resource server guards.
 */
export function concerns(
  { apiAudiences, mcpServers }: ConcernedBy,
  reach: Reach,
  catalogue: Catalogue,
): boolean {
  const guards = apiAudiences.length > 0 || mcpServers.length > 0;
  if (reach.followsOwner) return guards;
  if (reach.audience !== undefined && apiAudiences.includes(reach.audience)) return true;
  if (reach.mcpServers?.some((picked) => mcpServers.some(({ id }) => id === picked))) return true;
  if (apiAudiences.length === 0) return false;
  const beyondServers = (name: string) => catalogue.has(name) && catalogue.get(name)?.bound !== 'mcp_server';
  return (reach.roles?.length ?? 0) > 0 || (reach.capabilities?.some(beyondServers) ?? false);
}
