/** What a person may hand over, as the consent page offers it. Pure: live rights and the world in, an offer out. */
import type { LiveAccess } from '../directory/live-access.ts';
import { delegableCapabilities, offeredRoles } from '../policy/consent-decision.ts';
import { hasProjectAccess, mayCall } from '../policy/live-permissions.ts';
import type { World } from '../policy/vocabulary.ts';
import type { Offer, OfferedProject } from './consent-preselection.ts';

/** As `localeCompare` does it, without looking the language up for each of thousands of pairs; made with the first offer. */
let collator: Intl.Collator | undefined;
const byName = (one: string, other: string) => {
  collator ??= new Intl.Collator('en');
  return collator.compare(one, other);
};

/** Projects that the person lacks are absent, not greyed; so are servers that they may not call. */
export function offerTo(person: LiveAccess, world: World): Offer {
  const { live, assigned } = person;
  const projects: OfferedProject[] = [];
  for (const [id, { slug, name }] of world.projects) {
    if (!hasProjectAccess(live, id, world.catalogue)) continue;
    const roles = offeredRoles(live, id, world).flatMap((roleId) => {
      const role = world.roles.get(roleId);
      return role
        ? [
            {
              id: roleId,
              slug: role.slug,
              name: role.name,
              capabilities: [...role.permissions].filter((p) => world.catalogue.has(p)),
            },
          ]
        : [];
    });
    const own = [...(assigned.projects.get(id) ?? []), ...assigned.organization];
    const highest =
      roles.find((role) => own.includes(role.id))?.name ?? world.roles.get(own[0] ?? '')?.name ?? '';
    projects.push({ id, slug, name, offeredRoles: roles, yourRole: highest });
  }
  projects.sort((one, other) => byName(one.slug, other.slug));
  const servers = [...world.mcpServers]
    .filter(([, facts]) => facts.enabled && mayCall(live, facts, world))
    .map(([id, facts]) => ({
      id,
      name: facts.name,
      resource: facts.resource,
      projectId: facts.project,
      projectSlug: world.projects.get(facts.project)?.slug ?? '',
    }))
    .sort((one, other) => byName(one.name, other.name));
  return { catalogue: world.catalogue, delegable: delegableCapabilities(live, world), projects, servers };
}
