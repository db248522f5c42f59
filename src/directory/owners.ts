import type { Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';

/** Slug of the built-in role that an organization must never be without. */
export const ownerSlug = 'owner';

/**
 * Lets one transaction at a time take an Owner away, on either engine: an update that changes nothing holds the role's row
 * until the transaction ends. Called before anything else is written, so that two of them never wait for each other.
 */
export async function takeOwnersTurn(trx: Transaction<Database>): Promise<void> {
  // roles by its unique slug
  await trx
    .updateTable('roles')
    .set((row) => ({ version: row.ref('version') }))
    .where('slug', '=', ownerSlug)
    .execute();
}

/**
 * Tells whether an organization would be left without an active person who is Owner. Needs the turn to be taken.
 * @param userId the one who is about to stop being an active Owner
 */
export async function isLastOwner(trx: Transaction<Database>, userId: string): Promise<boolean> {
  // roles by its unique slug, role_assignments_by_role, users by primary key
  const owners = await trx
    .selectFrom('roles as r')
    .innerJoin('role_assignments as a', 'a.role_id', 'r.id')
    .innerJoin('users as u', 'u.id', 'a.user_id')
    .where('r.slug', '=', ownerSlug)
    .where('a.project_id', 'is', null)
    .where('u.kind', '=', 'person')
    .where('u.status', '=', 'active')
    .select('u.id')
    .execute();
  return owners.length === 1 && owners[0]?.id === userId;
}
