import type { ActiveIntrospection, McpServerAccess, ProjectAccess } from './introspection.ts';

/**
 * What an operation needs. Everything named must hold; what is not named is not asked for. What is named and has no value, as of a route
 * parameter or a table that has none for this request, is held by no token: it never means "any".
 */
export interface Requirement {
  /** Capabilities that must be effective anywhere, i.e. be in `scope`. */
  readonly scopes?: readonly string[];
  /** A capability: on `project` when one is named, else anywhere. */
  readonly capability?: string;
  /** Slug of a project that the token must reach. */
  readonly project?: string;
  /** The resource is an MCP server, and the token must reach it. */
  readonly mcpServer?: boolean;
}

/** Whether a live token meets a requirement at a resource, and if not, why. */
export type Verdict =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'invalid_token'; readonly description: string }
  | { readonly kind: 'insufficient_scope'; readonly description: string };

/**
 * Judges a live token. Pure.
 *
 * A project outside the authorization gets one and the same words whether or not it exists, so that nobody can
 * find projects by asking.
 *
 * @param resource - the URL of the resource that is asked, as registered with Mandate
 * @param provedKey - thumbprint of the key that the request proved to hold (RFC 9449); none for a bearer token
 */
export function judge(
  authorization: ActiveIntrospection,
  resource: string,
  requirement: Requirement,
  provedKey?: string,
): Verdict {
  const bindingProblem = bindingProblemOf(authorization, provedKey);
  if (bindingProblem !== undefined) return { kind: 'invalid_token', description: bindingProblem };
  if (!isForResource(authorization, resource)) {
    return { kind: 'invalid_token', description: 'The token was not issued for this resource' };
  }
  if (requirement.mcpServer === true && !mcpServerAt(authorization, resource)?.actions.includes('mcp')) {
    return { kind: 'insufficient_scope', description: 'The authorization does not reach this MCP server' };
  }
  if (hasEmptyName(requirement)) {
    return { kind: 'insufficient_scope', description: 'It is not said what exactly this request needs' };
  }
  const scopes = scopesOf(authorization);
  const missing = (requirement.scopes ?? []).filter((scope) => !scopes.includes(scope));
  if (missing.length > 0) {
    return { kind: 'insufficient_scope', description: `The authorization lacks ${missing.join(' ')}` };
  }
  const { capability, project } = requirement;
  if (project === undefined) {
    if (capability === undefined || scopes.includes(capability)) return { kind: 'allowed' };
    return { kind: 'insufficient_scope', description: `The authorization lacks ${capability}` };
  }
  const access = projectAccess(authorization, project);
  if (access === undefined) {
    return { kind: 'insufficient_scope', description: 'The authorization does not reach this project' };
  }
  if (capability !== undefined && !access.actions.includes(capability)) {
    return {
      kind: 'insufficient_scope',
      description: `The authorization lacks ${capability} on this project`,
    };
  }
  return { kind: 'allowed' };
}

/** Tells whether something is named and has no value. Pure. */
export function hasEmptyName(requirement: Requirement): boolean {
  return (['scopes', 'capability', 'project'] as const).some(
    (name) => name in requirement && (requirement[name] ?? undefined) === undefined,
  );
}

function bindingProblemOf({ cnf }: ActiveIntrospection, provedKey: string | undefined): string | undefined {
  if (provedKey === undefined) {
    // RFC 9449 section 7.2: a bound token that is presented as a bearer token must be refused. So is one that is bound in another way.
    return cnf === undefined ? undefined : 'The token is bound to a key; it is not a bearer token';
  }
  if (cnf?.jkt === undefined) return 'The token is not bound to a key; it is not for DPoP';
  return cnf.jkt === provedKey ? undefined : 'The token is bound to another key';
}

/** Names the scopes that a token needs for a requirement, for the challenge. Pure. */
export function neededScopes(requirement: Requirement): readonly string[] {
  const { mcpServer, scopes = [], capability } = requirement;
  return [...new Set([...(mcpServer ? ['mcp'] : []), ...scopes, ...(capability ? [capability] : [])])];
}

/** Splits `scope` into its capabilities. Pure. */
export function scopesOf(authorization: ActiveIntrospection): string[] {
  return authorization.scope.split(' ').filter((scope) => scope !== '');
}

/** Finds what the token may do on a project, by slug. Pure. */
export function projectAccess(authorization: ActiveIntrospection, slug: string): ProjectAccess | undefined {
  return authorization.authorization_details.find(
    (entry) => entry.type === 'project' && entry.slug === slug,
  ) as ProjectAccess | undefined;
}

/** Finds the MCP server at a resource URL among those that the token reaches. Pure. */
export function mcpServerAt(
  authorization: ActiveIntrospection,
  resource: string,
): McpServerAccess | undefined {
  return authorization.authorization_details.find(
    (entry) => entry.type === 'mcp_server' && entry.locations.some((location) => sameUrl(location, resource)),
  ) as McpServerAccess | undefined;
}

/** RFC 8707: a token is good only where it was meant for. An API key has no audience; Mandate has cut it to the asker. */
function isForResource(authorization: ActiveIntrospection, resource: string): boolean {
  const { aud } = authorization;
  if (aud === undefined) return authorization.authorization_kind === 'api_key';
  if (typeof aud === 'string') return sameUrl(aud, resource);
  return aud.some((audience) => sameUrl(audience, resource));
}

function sameUrl(left: string, right: string): boolean {
  return (
    left === right ||
    (URL.canParse(left) && URL.canParse(right) && new URL(left).href === new URL(right).href)
  );
}
