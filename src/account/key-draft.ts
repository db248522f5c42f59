/**
 * Reads what an address says about a key that somebody is about to make: the command line leads here with what was typed. Pure.
 * It only ticks what is offered, and never the right to administer Mandate; nothing is made before the form is sent.
 */
import type { Lifetime } from '../interaction/consent-lifetime.ts';
import type { Offer } from '../interaction/consent-preselection.ts';
import { administration } from '../policy/administration.ts';
import type { Slice } from '../policy/key-decision.ts';
import type { World } from '../policy/vocabulary.ts';

export interface KeyDraft {
  readonly name: string;
  readonly slice: Slice;
  readonly lifetime?: Lifetime;
}

const longestName = 100;

/**
 * @param query the address's parameters: `name`, `capability`, `role`, `project` (`atlas=editor`), `mcp_server`, `lifetime` (seconds,
 *   or `until_revoked`); all but the first and the last may come several times, or hold several names with commas
 * @param keyRoles ids of the roles that the key may carry
 */
export function readKeyDraft(
  query: URLSearchParams,
  offer: Offer,
  keyRoles: readonly string[],
  world: World,
): KeyDraft {
  const names = (parameter: string) => namesIn(query.getAll(parameter));
  const roleNamed = (name: string, among: readonly string[]) =>
    among.filter((id) => id === name || world.roles.get(id)?.slug === name);
  const projects = query.getAll('project').flatMap((text) => {
    const [named = '', roles = ''] = text.split('=');
    const project = offer.projects.find(({ id, slug }) => id === named || slug === named);
    if (!project) return [];
    const offered = project.offeredRoles.map(({ id }) => id);
    return [{ id: project.id, roles: namesIn([roles]).flatMap((name) => roleNamed(name, offered)) }];
  });
  const lifetime = query.get('lifetime') ?? '';
  return {
    name: (query.get('name') ?? '').trim().slice(0, longestName),
    slice: {
      capabilities: names('capability').filter(
        (name) => name !== administration && offer.delegable.includes(name),
      ),
      roles: names('role').flatMap((name) => roleNamed(name, keyRoles)),
      projects,
      mcpServers: names('mcp_server').flatMap(
        (name) => offer.servers.find((server) => server.id === name || server.name === name)?.id ?? [],
      ),
    },
    ...(lifetime === 'until_revoked' && { lifetime: null }),
    ...(/^\d{2,10}$/.test(lifetime) && { lifetime: Number(lifetime) }),
  };
}

const namesIn = (texts: readonly string[]): string[] => [
  ...new Set(
    texts
      .flatMap((text) => text.split(','))
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  ),
];
