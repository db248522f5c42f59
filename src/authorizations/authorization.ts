import type { AuthorizationsTable } from '../../db/schema.ts';
import type { Addition } from '../policy/additions.ts';
import type { HandedOn } from '../policy/handed-on.ts';
import type { PickedProject } from '../policy/vocabulary.ts';
import { readCeiling } from './ceiling.ts';

/** Rights delegated by one user to one tool, as they are kept; what holds now is for the rule to say. */
export interface Authorization {
  /** Also the id of the library's grant. */
  readonly id: string;
  readonly kind: 'oauth2' | 'api_key';
  readonly userId: string;
  readonly clientId: string | null;
  /** The resource that the consent was asked for. */
  readonly resource: string | null;
  /** Keyed hash of the browser that consented; or the identity provider that set it up (`asserted-store.ts`). */
  readonly install: string | null;
  readonly name: string | null;
  readonly status: 'active' | 'suspended' | 'revoked';
  /** The slice is whatever its owner may do: `wholeOf` writes it out, the lists here are empty. */
  readonly followsOwner: boolean;
  /** Capability names. */
  readonly capabilities: readonly string[];
  /** Role ids held at the organization (API keys only). */
  readonly roles: readonly string[];
  readonly projects: readonly PickedProject[];
  /** MCP server ids. */
  readonly mcpServers: readonly string[];
  /** What it holds for a while beside all that; some of it may have ended. */
  readonly additions: readonly Addition[];
  /** What the tool asked for: capability names. */
  readonly asked: readonly string[];
  readonly version: number;
  /** Integer seconds; null: until revoked. */
  readonly expiresAt: number | null;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** When its end was last chosen; the policy's longest lifetimes count from here. */
  readonly renewedAt: number;
  readonly revokedAt: number | null;
  /** When a rotated refresh token came back after its window. */
  readonly replayedAt: number | null;
  readonly replayedFrom: string | null;
  /** The authorization that it was made of by token exchange, without which it counts for nothing. */
  readonly parentId: string | null;
  /** What of its parent it may have at most; the lists above are empty then. */
  readonly handedOn: HandedOn | undefined;
  /** When a resource server last asked about it, to the minute. */
  readonly lastUse: LastUse | null;
}

/** One question about an authorization. */
export interface LastUse {
  /** Integer seconds. */
  readonly at: number;
  /** Name of the resource server that asked. */
  readonly by: string;
  /** The address that it asked from. */
  readonly from: string;
}

/** Reads a row as what it means. Pure. */
export function toAuthorization(row: AuthorizationsTable): Authorization {
  return {
    id: row.id,
    kind: row.kind,
    userId: row.user_id,
    clientId: row.client_id,
    resource: row.resource,
    install: row.install,
    name: row.name,
    status: row.status,
    followsOwner: row.follows_owner === 1,
    capabilities: JSON.parse(row.capabilities) as string[],
    roles: JSON.parse(row.roles) as string[],
    projects: JSON.parse(row.projects) as PickedProject[],
    mcpServers: JSON.parse(row.mcp_servers) as string[],
    // Hardly any authorization has some.
    additions: row.additions === '[]' ? [] : (JSON.parse(row.additions) as Addition[]),
    asked: JSON.parse(row.asked) as string[],
    version: row.version,
    expiresAt: row.expires_at,
    createdBy: row.created_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    renewedAt: row.renewed_at ?? row.created_at,
    revokedAt: row.revoked_at,
    replayedAt: row.replayed_at,
    replayedFrom: row.replayed_from,
    parentId: row.parent_id,
    handedOn: row.handed_on === null ? undefined : readCeiling(row.handed_on),
    lastUse:
      row.last_used_at === null
        ? null
        : { at: row.last_used_at, by: row.last_used_by ?? '', from: row.last_used_from ?? '' },
  };
}
