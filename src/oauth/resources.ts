/**
 * Resource indicators (RFC 8707): which audiences there are, and the spellings of them that clients really send.
 */
import type { ResourceServerStore } from '../clients/resource-server-store.ts';
import { alikeAmong, meantAmong, spelledOut } from '../clients/resource-spelling.ts';
import type { McpServerStore } from '../directory/mcp-server-store.ts';

/** One audience that tokens can be issued for. */
export interface Audience {
  /** The registered form: what `aud` says. */
  readonly uri: string;
  /** Id of the MCP server whose resource it is; undefined for an API. */
  readonly mcpServer: string | undefined;
  /** It is Mandate's own API. */
  readonly administration: boolean;
}

export interface Resources {
  /**
   * Finds the audience that a client means.
   * @param indicator as sent: another case of the host, a trailing slash, a query or the bare origin are forgiven
   * @returns undefined when it names nothing of ours, may mean several, is no absolute URI, or has a fragment
   */
  resolve(indicator: string): Promise<Audience | undefined>;
  /** The API that a request without `resource` is for; undefined where no API is registered. */
  defaultApi(): Promise<Audience | undefined>;
}

export function createResources(deps: {
  /** Mandate's own API, whose address no resource server can have. */
  administration: string;
  resourceServers: ResourceServerStore;
  mcpServers: McpServerStore;
}): Resources {
  const { resourceServers, mcpServers } = deps;
  const describe = async (uri: string): Promise<Audience> => ({
    uri,
    mcpServer: (await mcpServers.findByResource(uri))?.id,
    administration: false,
  });
  return {
    async resolve(indicator) {
      const wanted = spelledOut(indicator);
      if (!wanted) return undefined;
      if (wanted === deps.administration) return { uri: wanted, mcpServer: undefined, administration: true };
      const audiences = await resourceServers.audiences();
      const alike = alikeAmong(audiences, indicator);
      if (alike.length > 0) {
        const meant = meantAmong(alike, indicator);
        return meant === undefined ? undefined : describe(meant);
      }
      if (new URL(wanted).origin !== wanted) return undefined;
      const atOrigin = audiences.filter((uri) => new URL(uri).origin === wanted);
      return atOrigin[0] && atOrigin.length === 1 ? describe(atOrigin[0]) : undefined;
    },
    async defaultApi() {
      for (const uri of await resourceServers.audiences()) {
        const audience = await describe(uri);
        if (audience.mcpServer === undefined) return audience;
      }
      return undefined;
    },
  };
}
