/** Where an authorization can be used, as its row says it. */
import type { AuthorizationsTable } from '../../db/schema.ts';
import type { Addition } from '../policy/additions.ts';
import type { Reach } from './concern.ts';

/** What of a row `reachOf` looks at. */
export const reachColumns = [
  'follows_owner',
  'capabilities',
  'roles',
  'mcp_servers',
  'additions',
  'resource',
  'handed_on',
] as const;

/** Those columns; all null where there is no row. */
export type ReachRow = {
  readonly [Column in (typeof reachColumns)[number]]: AuthorizationsTable[Column] | null;
};

/** Reads where an authorization can be used. Pure. Whether something that was added for a while has ended is the clock's to say: it counts. */
export function reachOf(row: ReachRow): Reach {
  if (row.handed_on !== null) {
    const { to } = JSON.parse(row.handed_on) as { to: { mcpServers: string[] } };
    return { mcpServers: to.mcpServers, ...(row.resource !== null && { audience: row.resource }) };
  }
  const additions = JSON.parse(row.additions ?? '[]') as Addition[];
  return {
    followsOwner: row.follows_owner === 1,
    capabilities: [...list(row.capabilities), ...additions.flatMap(({ capabilities }) => capabilities)],
    roles: list(row.roles),
    mcpServers: [...list(row.mcp_servers), ...additions.flatMap(({ mcpServers }) => mcpServers)],
  };
}

const list = (json: string | null) => JSON.parse(json ?? '[]') as string[];
