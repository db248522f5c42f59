import type { Kysely, Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database, RolesTable } from '../../db/schema.ts';
import type { Actor } from '../changes/change-log.ts';
import { newId } from '../ids.ts';
import type { DirectoryDeps } from './user-store.ts';

/** A named set of permissions. */
export interface Role {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  /** Built-in roles come with Mandate and change with it alone. */
  readonly builtIn: boolean;
  /** Capabilities and management permissions, sorted. */
  readonly permissions: readonly string[];
  readonly version: number;
}

export interface RoleContent {
  readonly slug: string;
  readonly name: string;
  readonly permissions: readonly string[];
}

export type CreateRoleOutcome = { outcome: 'created'; role: Role } | { outcome: 'slug_taken' };
export type UpdateRoleOutcome =
  | { outcome: 'done'; changed: boolean }
  | { outcome: 'not_found' }
  | { outcome: 'built_in' };
export type DeleteRoleOutcome =
  | { outcome: 'done' }
  | { outcome: 'not_found' }
  | { outcome: 'built_in' }
  /** Somebody still holds it. */
  | { outcome: 'in_use'; assignments: number };

export interface RoleMethods {
  find(id: string): Promise<Role | undefined>;
  findBySlug(slug: string): Promise<Role | undefined>;
  /** Lists every role by slug. */
  list(): Promise<Role[]>;
  create(actor: Actor, role: RoleContent): Promise<CreateRoleOutcome>;
  /** Changes a custom role; everyone who holds it, and every API key that refers to it, follows at once. */
  update(
    actor: Actor,
    id: string,
    change: { name?: string; permissions?: readonly string[] },
  ): Promise<UpdateRoleOutcome>;
  delete(actor: Actor, id: string): Promise<DeleteRoleOutcome>;
  /** Makes or brings up to date a role that comes with Mandate. @throws Error when a custom role has its slug */
  saveBuiltIn(actor: Actor, role: RoleContent): Promise<{ outcome: 'done'; changed: boolean; role: Role }>;
}

export interface RoleStore extends RoleMethods {
  /** The same methods inside a transaction that the caller commits. */
  within(trx: Transaction<Database>): RoleMethods;
}

/** Creates the store of roles. */
export function createRoleStore(deps: DirectoryDeps): RoleStore {
  return {
    ...methods(deps, deps.store.db, deps.store.transact),
    within: (trx) => methods(deps, trx, (work) => work(trx)),
  };
}

function methods(
  { clock, changes }: DirectoryDeps,
  db: Kysely<Database>,
  transact: Store['transact'],
): RoleMethods {
  return {
    async find(id) {
      // roles by primary key
      const row = await db.selectFrom('roles').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toRole(row);
    },
    findBySlug: (slug) => bySlug(db, slug),
    async list() {
      // the whole table: roles are few
      return (await db.selectFrom('roles').selectAll().orderBy('slug').execute()).map(toRole);
    },
    create: (actor, content) =>
      transact(async (trx) => {
        const role = await insert(trx, actor, content, false);
        return role ? { outcome: 'created', role } : { outcome: 'slug_taken' };
      }),
    update: (actor, id, change) =>
      transact(async (trx) => {
        // roles by primary key
        const row = await trx.selectFrom('roles').selectAll().where('id', '=', id).executeTakeFirst();
        if (!row) return { outcome: 'not_found' };
        if (row.built_in === 1) return { outcome: 'built_in' };
        return { outcome: 'done', changed: await write(trx, actor, toRole(row), change) };
      }),
    delete: (actor, id) =>
      transact(async (trx) => {
        // roles by primary key
        const row = await trx.selectFrom('roles').selectAll().where('id', '=', id).executeTakeFirst();
        if (!row) return { outcome: 'not_found' };
        if (row.built_in === 1) return { outcome: 'built_in' };
        // role_assignments_by_role
        const { assignments } = await trx
          .selectFrom('role_assignments')
          .select((count) => count.fn.countAll<number>().as('assignments'))
          .where('role_id', '=', id)
          .executeTakeFirstOrThrow();
        if (assignments > 0) return { outcome: 'in_use', assignments };
        await trx.deleteFrom('roles').where('id', '=', id).execute();
        await changes.record(trx, actor, {
          subject: 'role',
          id,
          action: 'deleted',
          before: content(toRole(row)),
        });
        return { outcome: 'done' };
      }),
    saveBuiltIn: (actor, role) =>
      transact(async (trx) => {
        const known = await bySlug(trx, role.slug);
        if (known && !known.builtIn)
          throw new Error(`the role ${role.slug} is built in, but a custom role has its slug`);
        const changed = known ? await write(trx, actor, known, role) : true;
        if (!known) await insert(trx, actor, role, true);
        const saved = await bySlug(trx, role.slug);
        if (!saved) throw new Error(`the role ${role.slug} was not saved`);
        return { outcome: 'done', changed, role: saved };
      }),
  };

  async function insert(trx: Transaction<Database>, actor: Actor, role: RoleContent, builtIn: boolean) {
    const now = clock.now();
    // roles by its unique slug: whoever comes second inserts nothing
    const row = await trx
      .insertInto('roles')
      .values({
        id: newId('rol'),
        slug: role.slug,
        name: role.name,
        built_in: builtIn ? 1 : 0,
        permissions: JSON.stringify(sorted(role.permissions)),
        version: 1,
        created_at: now,
        updated_at: now,
      })
      .onConflict((conflict) => conflict.column('slug').doNothing())
      .returningAll()
      .executeTakeFirst();
    if (!row) return undefined;
    const made = toRole(row);
    await changes.record(trx, actor, {
      subject: 'role',
      id: made.id,
      action: 'created',
      after: content(made),
    });
    return made;
  }

  /** @returns whether anything was different */
  async function write(
    trx: Transaction<Database>,
    actor: Actor,
    old: Role,
    change: { name?: string; permissions?: readonly string[] },
  ): Promise<boolean> {
    const name = change.name ?? old.name;
    const permissions = sorted(change.permissions ?? old.permissions);
    const samePermissions = JSON.stringify(permissions) === JSON.stringify(old.permissions);
    if (name === old.name && samePermissions) return false;
    const now = clock.now();
    // roles by primary key
    await trx
      .updateTable('roles')
      .set((row) => ({
        name,
        permissions: JSON.stringify(permissions),
        version: row('version', '+', 1),
        updated_at: now,
      }))
      .where('id', '=', old.id)
      .execute();
    if (!samePermissions) {
      // role_assignments_by_role, users by primary key: the rights of everyone who holds it move
      await trx
        .updateTable('users')
        .set((row) => ({ version: row('version', '+', 1), updated_at: now }))
        .where('id', 'in', trx.selectFrom('role_assignments').select('user_id').where('role_id', '=', old.id))
        .execute();
    }
    await changes.record(trx, actor, {
      subject: 'role',
      id: old.id,
      action: 'updated',
      before: content(old),
      after: { slug: old.slug, name, permissions },
    });
    return true;
  }
}

async function bySlug(db: Kysely<Database>, slug: string): Promise<Role | undefined> {
  // roles by its unique slug
  const row = await db.selectFrom('roles').selectAll().where('slug', '=', slug).executeTakeFirst();
  return row && toRole(row);
}

const sorted = (permissions: readonly string[]) => [...new Set(permissions)].sort();

const content = ({ slug, name, permissions }: Role): RoleContent => ({ slug, name, permissions });

function toRole(row: RolesTable): Role {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    builtIn: row.built_in === 1,
    permissions: JSON.parse(row.permissions) as string[],
    version: row.version,
  };
}
