/**
 * The tables as types, one schema for SQLite and PostgreSQL. Instants are integer seconds, flags are 0 or 1,
 * lists are JSON text, ids are prefixed and time-ordered (`usr_…`). A test compares this file with both databases.
 * Longer than 400 lines because it is one schema, read side by side.
 */

type Flag = 0 | 1;
type Json = string;
type Seconds = number;

export interface Database {
  change_counter: ChangeCounterTable;
  changes: ChangesTable;
  users: UsersTable;
  roles: RolesTable;
  role_assignments: RoleAssignmentsTable;
  projects: ProjectsTable;
  mcp_servers: McpServersTable;
  resource_servers: ResourceServersTable;
  resource_server_audiences: ResourceServerAudiencesTable;
  clients: ClientsTable;
  client_key_sets: ClientKeySetsTable;
  authorizations: AuthorizationsTable;
  authorization_uses: AuthorizationUsesTable;
  event_receivers: EventReceiversTable;
  api_key_secrets: ApiKeySecretsTable;
  policies: PoliciesTable;
  approvals: ApprovalsTable;
  sessions: SessionsTable;
  passkeys: PasskeysTable;
  authenticators: AuthenticatorsTable;
  recovery_codes: RecoveryCodesTable;
  challenges: ChallengesTable;
  upstream_accounts: UpstreamAccountsTable;
  upstream_requests: UpstreamRequestsTable;
  oidc_artifacts: OidcArtifactsTable;
  signing_keys: SigningKeysTable;
  counters: CountersTable;
  mail_outbox: MailOutboxTable;
  account_links: AccountLinksTable;
  activity: ActivityTable;
}

/** One row: the number of the last change. Updated in each transaction that changes an answer, so changes have commit order. */
export interface ChangeCounterTable {
  id: 1;
  n: number;
}

/** One row for each committed fact that can alter an answer; only ever added to and trimmed at its old end, the audit trail and the event stream read it. */
export interface ChangesTable {
  /** The counter's value when it was written. */
  seq: number;
  at: Seconds;
  /** `authorization`, `user`, `role`, `project`, `mcp_server`, `resource_server`, `client`, `policy`. */
  subject: string;
  subject_id: string;
  action: string;
  /** A user id, `client:…`, or `command` for the command line. */
  actor: string;
  /** The address that the request came from, where there was one. */
  origin: string | null;
  /** What was and what is, never a secret. */
  before: Json | null;
  after: Json | null;
}

export interface UsersTable {
  id: string;
  kind: 'person' | 'service_account';
  /** As written by whoever created it. */
  email: string;
  /** The same, NFKC and lower case: what uniqueness and sign-in go by. */
  email_key: string;
  name: string;
  status: 'active' | 'suspended';
  /** A PHC string; null means no interactive sign-in. */
  password_hash: string | null;
  /** Moves with every change of the user or of its assignments. */
  version: number;
  created_at: Seconds;
  updated_at: Seconds;
}

export interface RolesTable {
  id: string;
  slug: string;
  name: string;
  built_in: Flag;
  /** JSON array of permission names. */
  permissions: Json;
  version: number;
  created_at: Seconds;
  updated_at: Seconds;
}

export interface RoleAssignmentsTable {
  user_id: string;
  role_id: string;
  /** Null: on the organization. */
  project_id: string | null;
  created_at: Seconds;
}

export interface ProjectsTable {
  id: string;
  slug: string;
  name: string;
  version: number;
  created_at: Seconds;
  updated_at: Seconds;
}

export interface McpServersTable {
  id: string;
  name: string;
  project_id: string;
  /** The resource URL in the registered form; also an audience of the resource server that guards it. */
  resource: string;
  enabled: Flag;
  version: number;
  created_at: Seconds;
  updated_at: Seconds;
}

export interface ResourceServersTable {
  id: string;
  /** The client id with which it introspects. */
  name: string;
  /** Keyed hash of its secret; null when it authenticates by assertion only. */
  secret_hash: string | null;
  /** Names the MANDATE_SECRET that `secret_hash` was made under; null when that is not known. */
  hashed_under: string | null;
  /** JSON Web Key Set for private_key_jwt. */
  jwks: Json | null;
  disabled: Flag;
  version: number;
  created_at: Seconds;
  updated_at: Seconds;
}

export interface ResourceServerAudiencesTable {
  audience: string;
  resource_server_id: string;
}

export interface ClientsTable {
  /** The client_id. */
  id: string;
  kind: 'registered' | 'dynamic' | 'metadata_document';
  /** JSON of the client's metadata in RFC 7591 terms, without any secret. */
  metadata: Json;
  /** Keyed hash of the client secret. */
  secret_hash: string | null;
  /** Names the MANDATE_SECRET that `secret_hash` was made under; null when that is not known. */
  hashed_under: string | null;
  verified: Flag;
  disabled: Flag;
  /** The service account that client_credentials acts as. */
  service_account_id: string | null;
  /** For how long a rotated refresh token may come back; null is the usual minute. */
  refresh_grace_seconds: number | null;
  /** When its metadata document was last had and could be used. */
  document_good_at: Seconds | null;
  /** JSON of what it may exchange tokens for: `{own, from, to}`; null: nothing. */
  token_exchange: Json | null;
  version: number;
  created_at: Seconds;
  updated_at: Seconds;
}

/** What a client's `jwks_uri` last answered that could be used. */
export interface ClientKeySetsTable {
  uri: string;
  /** JSON Web Key Set of public keys. */
  jwks: Json;
  good_at: Seconds;
}

export interface AuthorizationsTable {
  /** Also the id of the library's grant. */
  id: string;
  kind: 'oauth2' | 'api_key';
  user_id: string;
  client_id: string | null;
  /** The resource that the consent was asked for. */
  resource: string | null;
  /**
   * Keyed hash of the browser that consented: one authorization per consent and install; or `issuer:` with the identity provider that set
   * it up.
   */
  install: string | null;
  name: string | null;
  status: 'active' | 'suspended' | 'revoked';
  /** 1: the slice is whatever its owner may do (a service account's own client). */
  follows_owner: Flag;
  /** JSON array of capability names. */
  capabilities: Json;
  /** JSON array of role ids held at the organization (API keys only). */
  roles: Json;
  /** JSON array of `{id, roles}`. */
  projects: Json;
  /** JSON array of MCP server ids. */
  mcp_servers: Json;
  /** JSON array of what the tool asked for. */
  asked: Json;
  version: number;
  expires_at: Seconds | null;
  created_by: string;
  created_at: Seconds;
  updated_at: Seconds;
  revoked_at: Seconds | null;
  /** When a rotated refresh token came back after its window. */
  replayed_at: Seconds | null;
  replayed_from: string | null;
  /** When it was last asked about, to the minute. */
  last_used_at: Seconds | null;
  /** Name of the resource server that asked. */
  last_used_by: string | null;
  /** The address that it asked from. */
  last_used_from: string | null;
  /** When its end was last chosen: longest lifetimes count from here. Null: never since it was made. */
  renewed_at: Seconds | null;
  /** The authorization that it was made of by token exchange, without which it counts for nothing. */
  parent_id: string | null;
  /** JSON of its ceiling, `{names, from, to}`: the lists above are empty then. */
  handed_on: Json | null;
  /** JSON array of what it holds for a while: `{id, capabilities, projects, mcpServers, at, until, by}`, ended ones until the next edit. */
  additions: Json;
}

/** Where a resource server wants security event tokens to be pushed. */
export interface EventReceiversTable {
  resource_server_id: string;
  endpoint: string;
  /** What is sent as a Bearer token, encrypted. */
  sealed_token: string | null;
  /** The number of the last change that it was told of. */
  after_seq: number;
  /** Not before this; also how several nodes take turns. */
  due_at: Seconds;
  failures: number;
  last_failure: string | null;
  last_told_at: Seconds | null;
  created_at: Seconds;
}

/** What resource servers told that an authorization was used for. */
export interface AuthorizationUsesTable {
  authorization_id: string;
  capability: string;
  /** Project or MCP server id; empty for the organization. */
  place: string;
  /** To the minute. */
  last_used_at: Seconds;
}

/** A live secret of an API key, or one that was; a key has one, and two while it is being rotated. */
export interface ApiKeySecretsTable {
  id: string;
  authorization_id: string;
  /** Keyed hash of the whole secret. */
  secret_hash: string;
  /** Names the MANDATE_SECRET that `secret_hash` was made under; null when that is not known. */
  hashed_under: string | null;
  last_four: string;
  created_by: string;
  created_at: Seconds;
  /** Set by rotation: when the successor is the only one left. */
  expires_at: Seconds | null;
  revoked_at: Seconds | null;
  end_reason: 'revoked' | 'expired' | 'rotated_out' | 'leaked' | null;
}

/** A browser that somebody is signed in with. Its cookie opens the library's session of the same `uid`; both end together. */
export interface SessionsTable {
  id: string;
  /** Keyed hash of the session's uid, as in `oidc_artifacts`. */
  uid: string;
  user_id: string;
  /** What the browser said it is, shortened; written by anyone. */
  user_agent: string | null;
  /** The address that it was last seen from. */
  address: string | null;
  signed_in_at: Seconds;
  /** JSON array of how its person proved who they are (RFC 8176, and `upstream:NAME`); null: that is not known. */
  methods: Json | null;
  /** To within some minutes. */
  last_seen_at: Seconds;
  expires_at: Seconds;
}

/** What may be handed over at all; one row, `organization`. */
export interface PoliciesTable {
  id: string;
  /** JSON as `src/policies/policy-record.ts` writes it; what is left out is not bounded. */
  content: Json;
  version: number;
  created_at: Seconds;
  updated_at: Seconds;
}

/** One capability of one authorization that an administrator has to agree to, and how that stands. */
export interface ApprovalsTable {
  id: string;
  authorization_id: string;
  capability: string;
  status: 'pending' | 'approved' | 'declined';
  /** In the words of whoever asked. */
  justification: string;
  requested_by: string;
  requested_at: Seconds;
  decided_by: string | null;
  decided_at: Seconds | null;
  /** In the words of whoever decided. */
  note: string | null;
  version: number;
}

/** A passkey: the public half of a key pair whose private half never leaves a person's device or its maker's cloud. */
export interface PasskeysTable {
  id: string;
  user_id: string;
  /** Base64url, as the browser names it. */
  credential_id: string;
  /** COSE key, base64url. */
  public_key: string;
  /** As the authenticator counted last; stays 0 with those that do not count. */
  counter: number;
  /** JSON array of how a browser reaches it. */
  transports: Json;
  /** 1: its maker copies it to other devices. */
  synced: Flag;
  /** What its owner calls it. */
  name: string;
  created_at: Seconds;
  last_used_at: Seconds | null;
}

/** A person's authenticator app (RFC 6238). */
export interface AuthenticatorsTable {
  user_id: string;
  /** Encrypted under a key derived from MANDATE_SECRET. */
  sealed_secret: string;
  /** Null while its first code is awaited: it is not asked for until then. */
  confirmed_at: Seconds | null;
  /** The time step of the last code that was taken: none is taken twice. */
  last_step: number;
  created_at: Seconds;
}

/** A code that stands in for a lost authenticator app, once. */
export interface RecoveryCodesTable {
  /** Keyed hash of the code with its owner. */
  code_hash: string;
  user_id: string;
  used_at: Seconds | null;
}

/** A question that awaits one answer: a passkey's challenge, or a code after a right password. */
export interface ChallengesTable {
  /** Keyed hash of what it is for and of the browser that was asked. */
  key: string;
  /** Whom it is about, where that is known. */
  user_id: string | null;
  /** Keyed hash of what was asked. */
  answer_hash: string;
  expires_at: Seconds;
}

/** An account at another OpenID provider that opens one of ours. */
export interface UpstreamAccountsTable {
  id: string;
  user_id: string;
  issuer: string;
  /** As the issuer names the account, for good (OpenID Connect Core section 2). */
  subject: string;
  /** What the account was called there when it was linked, for its owner to recognise. */
  label: string | null;
  linked_at: Seconds;
  last_used_at: Seconds | null;
}

/** A sign-in at another provider that is under way; answered once. */
export interface UpstreamRequestsTable {
  /** Keyed hash of the `state`. */
  key: string;
  /** Keyed hash of what binds it to the browser that was sent there. */
  browser: string;
  /** What its answer is judged by, encrypted under a key derived from MANDATE_SECRET. */
  sealed: string;
  expires_at: Seconds;
}

/** What oidc-provider keeps: one row an artifact, its identifier only as a keyed hash. */
export interface OidcArtifactsTable {
  model: string;
  key: string;
  grant_id: string | null;
  /** Null for an access token, as is its client: it ends with its authorization alone, and few rows are written as often. */
  account_id: string | null;
  client_id: string | null;
  /** Keyed hash of a session's uid. */
  uid: string | null;
  /** Keyed hash of a device code's user code. */
  user_code: string | null;
  payload: Json;
  consumed_at: Seconds | null;
  expires_at: Seconds;
}

/** Private keys for ID tokens, encrypted under a key derived from MANDATE_SECRET. */
export interface SigningKeysTable {
  kid: string;
  algorithm: string;
  encrypted_jwk: string;
  /** When it was published. */
  created_at: Seconds;
  /** When it takes over from the one before it. */
  signs_from: Seconds;
}

/** Shared counters with an end: poll stamps and rate limits. */
export interface CountersTable {
  key: string;
  points: number;
  expires_at: Seconds;
}

/** What happened how often in one hour or on one day, summed over all nodes; nothing that answers depends on it. */
export interface ActivityTable {
  /** 3600 or 86400. */
  span: Seconds;
  /** A whole hour or day of UTC. */
  starts_at: Seconds;
  /** `introspection`, `sign_in`, `token`. */
  topic: string;
  outcome: string;
  /** Name of the resource server; empty where there is none. */
  party: string;
  n: number;
}

/** Mail to be sent: written in the transaction of what it tells of. What it says is gone once it was sent or given up. */
export interface MailOutboxTable {
  id: string;
  kind: string;
  /** `en` or `de`; null: the language of the house. */
  locale: string | null;
  /** Whom it is for, where that is an account. */
  user_id: string | null;
  /** Recipient and content, encrypted under a key derived from MANDATE_SECRET; null once sent or given up. */
  sealed: string | null;
  /** How often somebody began to send it; whoever moves it on has the turn. */
  attempts: number;
  /** From when it may be tried, again if need be. */
  due_at: Seconds;
  created_at: Seconds;
  sent_at: Seconds | null;
  failed_at: Seconds | null;
  /** A code, never what the other side wrote. */
  failure: string | null;
}

/** A link in a mail that lets its reader set a password once. */
export interface AccountLinksTable {
  /** Keyed hash of the token in the link. */
  token_hash: string;
  kind: 'invitation' | 'password_reset';
  user_id: string;
  /** Keyed hash of the address and password that the account had: with another one, the link opens nothing. */
  bound_to: string;
  /** The mail that holds it. */
  mail_id: string | null;
  created_by: string;
  created_at: Seconds;
  expires_at: Seconds;
  used_at: Seconds | null;
}
