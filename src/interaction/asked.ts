/** Reads what a request asks for: capabilities, the resource, and RFC 9396 details that a client may send. Pure but for the lookup. */
import { readScope } from '../oauth/scopes.ts';
import type { World } from '../policy/vocabulary.ts';
import type { Asked, PickedRoles } from './consent-preselection.ts';

type Parameters = Readonly<Record<string, unknown>>;

/** The resource indicators of a request, as they were sent: all of them mean one resource. Pure. */
export function indicatorsOf(params: Parameters): string[] {
  return [params.resource ?? []].flat().filter((one): one is string => typeof one === 'string');
}

/**
 * Says what is asked for. Pure.
 * @param audience the audience that is asked for, in its registered form
 */
export function askedBy(
  params: Parameters,
  audience: { uri: string; mcpServer: string | undefined } | undefined,
  world: World,
): Asked {
  const details = readDetails(params.authorization_details);
  const bySlug = new Map([...world.projects].map(([id, { slug }]) => [slug, id]));
  const projects: PickedRoles[] = details
    .filter(({ type }) => type === 'project')
    .map(({ identifier, slug, roles }) => ({
      id: world.projects.has(String(identifier))
        ? String(identifier)
        : (bySlug.get(String(identifier ?? slug)) ?? ''),
      roles: Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [],
    }))
    .filter(({ id }) => id !== '');
  const mcpServers = details
    .filter(({ type }) => type === 'mcp_server')
    .map(({ identifier }) => String(identifier));
  return {
    capabilities: readScope(params.asked_scope),
    projects,
    mcpServers,
    ...(audience && params.asked_resource !== 'default'
      ? { resource: audience.uri, resourceKind: audience.mcpServer ? 'mcp_server' : 'api' }
      : {}),
  };
}

function readDetails(text: unknown): Record<string, unknown>[] {
  if (typeof text !== 'string') return [];
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.filter((one) => typeof one === 'object' && one !== null) : [];
  } catch {
    return [];
  }
}
