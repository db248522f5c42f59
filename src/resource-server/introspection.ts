/**
 * What Mandate answers about a token (RFC 7662), as typed data, and the reader that accepts nothing else.
 * Owns the shape of the answer; does not own asking for it (introspector.ts) or judging it (verdict.ts).
 */

/** A project that the token reaches now, with what it may do there (RFC 9396). */
export interface ProjectAccess {
  readonly type: 'project';
  /** Stable id; a project made anew under the same slug has another one. */
  readonly identifier: string;
  readonly slug: string;
  readonly roles: readonly string[];
  /** Capabilities that hold on this project now. */
  readonly actions: readonly string[];
}

/** An MCP server that the token reaches now (RFC 9396). */
export interface McpServerAccess {
  readonly type: 'mcp_server';
  readonly identifier: string;
  /** Resource URLs of the server. */
  readonly locations: readonly string[];
  readonly actions: readonly string[];
}

export type AuthorizationDetail = ProjectAccess | McpServerAccess;

/** One item that was granted and does not hold now, with the reason: `owner_lost_access`, `role_capped`, `parent_lacks`, … */
export interface WithheldItem {
  readonly dimension: string;
  readonly identifier: string;
  readonly capability?: string;
  readonly reason: string;
}

/** A live token: what it may do at the moment of the answer. Field names are those of the wire. */
export interface ActiveIntrospection {
  readonly active: true;
  readonly iss?: string;
  readonly token_type?: string;
  /** Absent for API keys. */
  readonly client_id?: string;
  /** Id of the owner. */
  readonly sub: string;
  readonly username?: string;
  /** Absent for API keys: they have no audience of their own. */
  readonly aud?: string | readonly string[];
  /** Integer seconds since the epoch. */
  readonly iat?: number;
  /** Integer seconds since the epoch; absent for an API key that does not expire. */
  readonly exp?: number;
  /** Capabilities that are effective now, separated by blanks; not what was issued. */
  readonly scope: string;
  readonly authorization_id: string;
  readonly authorization_kind: 'oauth2' | 'api_key';
  readonly authorization_version: number;
  readonly authorization_details: readonly AuthorizationDetail[];
  readonly withheld: readonly WithheldItem[];
  /** The key that the token is bound to (RFC 9449 section 6). */
  readonly cnf?: Readonly<Record<string, unknown>>;
}

/** The whole answer; an inactive token says nothing more. */
export type Introspection = { readonly active: false } | ActiveIntrospection;

/** Asks what a token may do right now. A cache, or a test, is another function of this shape. */
export type Introspect = (token: string) => Promise<Introspection>;

/**
 * Reads the body of an introspection answer. Pure.
 *
 * A field of the wrong kind makes the whole answer unreadable, because a resource server must not guess; an
 * entry of `authorization_details` that is unknown or misshapen is left out, because it then grants nothing.
 *
 * @param body - the parsed JSON
 * @returns the answer, or `undefined` when it is not one
 * @see https://www.rfc-editor.org/rfc/rfc7662#section-2.2
 */
export function readIntrospection(body: unknown): Introspection | undefined {
  if (!isRecord(body)) return undefined;
  if (body.active === false) return { active: false };
  const readable =
    body.active === true &&
    typeof body.sub === 'string' &&
    typeof body.scope === 'string' &&
    typeof body.authorization_id === 'string' &&
    (body.authorization_kind === 'oauth2' || body.authorization_kind === 'api_key') &&
    typeof body.authorization_version === 'number' &&
    ['iss', 'token_type', 'client_id', 'username'].every((name) => isAbsentOr(body[name], 'string')) &&
    ['iat', 'exp'].every((name) => isAbsentOr(body[name], 'number')) &&
    (body.aud === undefined || typeof body.aud === 'string' || isStrings(body.aud)) &&
    (body.cnf === undefined || isRecord(body.cnf));
  if (!readable) return undefined;
  return {
    ...(body as unknown as ActiveIntrospection),
    authorization_details: list(body.authorization_details).filter(isDetail),
    withheld: list(body.withheld).filter(isWithheld),
  };
}

function isDetail(entry: unknown): entry is AuthorizationDetail {
  if (!isRecord(entry) || typeof entry.identifier !== 'string' || !isStrings(entry.actions)) return false;
  if (entry.type === 'project') return typeof entry.slug === 'string' && isStrings(entry.roles);
  return entry.type === 'mcp_server' && isStrings(entry.locations);
}

function isWithheld(entry: unknown): entry is WithheldItem {
  return (
    isRecord(entry) && [entry.dimension, entry.identifier, entry.reason].every((v) => typeof v === 'string')
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isAbsentOr(value: unknown, kind: 'string' | 'number'): boolean {
  return value === undefined || typeof value === kind;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
