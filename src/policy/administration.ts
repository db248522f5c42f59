/**
 * The one capability that concerns Mandate itself: a token that holds it may use the administration's API, within its owner's
 * management permissions of that moment. It is stricter than any other: it counts only where it is named, never through a role
 * or because somebody holds it; only Mandate's own API sees it; and it is never ticked unasked.
 */
import type { World } from './vocabulary.ts';

/** Its name in the catalogue. An operator whose catalogue does not list it has switched such tokens off. */
export const administration = 'mandate:admin';

/** Slug of the built-in role that alone may change its own kind. */
const ownerSlug = 'owner';

/** Somebody's rights as they count here: what they hold on the organization, and the roles that it comes from. */
export interface Administrator {
  readonly user: { readonly id: string; readonly kind: 'person' | 'service_account' };
  readonly live: { readonly organization: ReadonlySet<string> };
  readonly assigned: { readonly organization: readonly string[] };
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
