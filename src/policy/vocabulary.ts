/**
 * The words of the rule: what an authorization says, what its owner may do now, and what exists now.
 * Types only; every one of them is plain data, so that each side of the rule can be stored, logged and tested.
 */

/** Where a capability is bounded: on the organization, on each project, or on each MCP server. */
export type Bound = 'organization' | 'project' | 'mcp_server';

/** One capability of the catalogue; on the wire its `name` is an OAuth scope. */
export interface Capability {
  readonly name: string;
  readonly bound: Bound;
  readonly title: string;
  /** One sentence: what a tool that holds it can do. */
  readonly consequence: string;
  /** One sentence: the worst that a tool that holds it could do; only sensitive capabilities carry it. */
  readonly worstCase?: string;
  readonly sensitive: boolean;
  /** Capabilities that come with this one; only those of the same bound do, a wider bound is never implied. */
  readonly implies: readonly string[];
}

/** The operator's catalogue, by capability name, in the order in which pages show it. */
export type Catalogue = ReadonlyMap<string, Capability>;

/** Whether the authorization itself still stands, before any right is looked at. */
export type Standing = 'active' | 'suspended' | 'revoked' | 'expired';

/** What an authorization says; stored, and never a statement of what holds now. */
export interface Granted {
  readonly standing: Standing;
  /** Capability names. */
  readonly capabilities: readonly string[];
  /** Role ids carried at the level of the organization, by reference (API keys only). */
  readonly roles: readonly string[];
  readonly projects: readonly PickedProject[];
  /** MCP server ids. */
  readonly mcpServers: readonly string[];
}

/** A project that was picked, with the roles picked for it. */
export interface PickedProject {
  /** Project id. */
  readonly id: string;
  /** Role ids. */
  readonly roles: readonly string[];
}

/** What the owner may do right now. */
export interface Live {
  readonly status: 'active' | 'suspended';
  /** Permissions held through assignments on the organization; they hold on every project too. */
  readonly organization: ReadonlySet<string>;
  /** Project id → permissions held through assignments on that project alone. */
  readonly projects: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * What exists now, as far as an authorization mentions it; what is absent does not exist.
 * The project of every MCP server that is present must be present too, picked or not.
 */
export interface World {
  readonly catalogue: Catalogue;
  /** By project id. */
  readonly projects: ReadonlyMap<string, { readonly slug: string; readonly name: string }>;
  /** By MCP server id. */
  readonly mcpServers: ReadonlyMap<string, McpServerFacts>;
  /** By role id. */
  readonly roles: ReadonlyMap<string, RoleFacts>;
}

export interface McpServerFacts {
  readonly name: string;
  /** Id of the project that it belongs to. */
  readonly project: string;
  /** Its resource URL, in the registered form. */
  readonly resource: string;
  readonly enabled: boolean;
}

export interface RoleFacts {
  /** The role's short name on the wire, e.g. `editor`. */
  readonly slug: string;
  readonly name: string;
  readonly permissions: ReadonlySet<string>;
}

/** What the organization's policy takes from an authorization at one moment, whatever its owner may do. */
export interface Limits {
  /**
   * Why nothing of it holds, where that is so: it is older than its kind may get, or its client is not one that may be authorized.
   */
  readonly everything: 'too_old' | 'client_not_permitted' | undefined;
  /** Capability name → why it does not hold, whether or not it is granted. */
  readonly capabilities: ReadonlyMap<string, 'policy' | 'approval_pending'>;
}

/** Why an item of an authorization does not hold now. */
export type WithheldReason =
  | 'owner_suspended'
  | 'owner_lost_access'
  | 'role_capped'
  | 'capability_not_held'
  | 'project_deleted'
  | 'mcp_server_disabled'
  | 'policy'
  | 'approval_pending'
  /** It was handed on, and what it came from does not hold it. */
  | 'parent_lacks';

/** One item of `granted − effective`. `capability` narrows a project's entry to one capability on it. */
export interface Withheld {
  readonly dimension: 'capability' | 'project' | 'mcp_server';
  readonly identifier: string;
  readonly capability?: string;
  readonly reason: WithheldReason;
}

/** What holds now: `granted ∩ live − limits`, item by item, with every difference explained. */
export interface Effective {
  /** Organization-bounded capabilities that hold, implied ones included, in catalogue order. */
  readonly organization: readonly string[];
  readonly projects: readonly EffectiveProject[];
  readonly mcpServers: readonly EffectiveMcpServer[];
  readonly withheld: readonly Withheld[];
}

export interface EffectiveProject {
  readonly id: string;
  readonly slug: string;
  /** Slugs of the picked roles that the owner's rights still cover whole. */
  readonly roles: readonly string[];
  /** Project-bounded capabilities that hold on it, implied ones included, in catalogue order. */
  readonly actions: readonly string[];
}

export interface EffectiveMcpServer {
  readonly id: string;
  readonly name: string;
  /** Id of the project that it belongs to. */
  readonly project: string;
  readonly resource: string;
  /** MCP-server-bounded capabilities that hold on it, implied ones included, in catalogue order; never empty. */
  readonly actions: readonly string[];
}
