/**
 * The one capability that concerns Mandate itself: a token that holds it may use the administration's API, within its owner's
 * management permissions of that moment. It is stricter than any other. It counts only where it is named: never through a role that
 * a key carries, nor because a service account's client follows its account. Only Mandate's own API sees it, and that sees
 * nothing else. It is offered only where it was asked for, and never ticked.
 */
import type { Live, World } from './vocabulary.ts';

/** Its name in the catalogue. An operator whose catalogue does not list it has switched such tokens off. */
export const administration = 'mandate:admin';

/** Slug of the built-in role that alone may change its own kind. */
const ownerSlug = 'owner';

/** Somebody's rights as they count here: what they hold on the organization, and the roles that it comes from. */
export interface Administrator {
  readonly user: { readonly id: string; readonly kind: 'person' | 'service_account' };
  readonly live: Live;
  readonly assigned: { readonly organization: readonly string[] };
}

/** Lists what a role brings to a key that carries it. Pure. */
export function broughtByRole(permissions: Iterable<string>): string[] {
  return [...permissions].filter((name) => name !== administration);
}

/** Takes the right to administer Mandate out of what somebody may hand over. Pure. */
export function withoutAdministration<Person extends { readonly live: Live }>(person: Person): Person {
  const organization = new Set(broughtByRole(person.live.organization));
  return { ...person, live: { ...person.live, organization } };
}

/**
 * Decides whether somebody may put the right to administer Mandate on a key of this owner, or make a new secret for one that has
 * it: whoever has that secret is the owner, as far as administration goes. Pure.
 * For oneself, yes; for a service account whoever holds all that it holds; for another person nobody.
 */
export function mayHandOutAdministration(by: Administrator, owner: Administrator, world: World): boolean {
  if (by.user.id === owner.user.id) return true;
  if (owner.user.kind !== 'service_account') return false;
  const isOwner = ({ assigned }: Administrator) =>
    assigned.organization.some((id) => world.roles.get(id)?.slug === ownerSlug);
  if (isOwner(owner) && !isOwner(by)) return false;
  return [...owner.live.organization].every((name) => by.live.organization.has(name));
}
