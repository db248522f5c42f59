/**
 * The embedded directory's answer to the one question that every decision asks: what may this user do right now?
 * Owns the reading of users, roles and assignments as live rights; does not own their changes, and decides nothing.
 */
import type { Kysely } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import type { Live } from '../policy/vocabulary.ts';
import { isManagementPermission } from './management-permissions.ts';

/** A user's rights at one moment. */
export interface LiveAccess {
  readonly user: {
    readonly id: string;
    readonly kind: 'person' | 'service_account';
    readonly email: string;
    readonly name: string;
  };
  /** Moves with every change of the user, of its assignments, and of a role that it holds. */
  readonly version: number;
  readonly live: Live;
  /** Role ids, from which `live` was derived. */
  readonly assigned: {
    readonly organization: readonly string[];
    readonly projects: ReadonlyMap<string, readonly string[]>;
  };
}

export interface LiveAccessSource {
  /**
   * Reads a user's rights in one statement, so that they all belong to one moment.
   * @param db where to read; a transaction sees its own changes
   * @returns undefined when there is no such user
   */
  read(userId: string, db?: Kysely<Database>): Promise<LiveAccess | undefined>;
}

/** Creates the embedded source of live access. */
export function createLiveAccess({ store }: { store: Pick<Store, 'db'> }): LiveAccessSource {
  return {
    async read(userId, db = store.db) {
      // users by primary key, role_assignments_once by its first column, roles by primary key
      const rows = await db
        .selectFrom('users as u')
        .leftJoin('role_assignments as a', 'a.user_id', 'u.id')
        .leftJoin('roles as r', 'r.id', 'a.role_id')
        .where('u.id', '=', userId)
        .select(['u.id', 'u.kind', 'u.email', 'u.name', 'u.status', 'u.version'])
        .select(['a.project_id', 'r.id as role_id', 'r.permissions'])
        .execute();
      const user = rows[0];
      if (user === undefined) return undefined;
      const organization = new Set<string>();
      const projects = new Map<string, Set<string>>();
      const organizationRoles: string[] = [];
      const projectRoles = new Map<string, string[]>();
      for (const { project_id: project, role_id: role, permissions } of rows) {
        if (role === null || permissions === null) continue;
        const names = JSON.parse(permissions) as string[];
        if (project === null) {
          organizationRoles.push(role);
          for (const name of names) organization.add(name);
        } else {
          entry(projectRoles, project, () => []).push(role);
          const held = entry(projects, project, () => new Set<string>());
          for (const name of names) if (!isManagementPermission(name)) held.add(name);
        }
      }
      return {
        user: { id: user.id, kind: user.kind, email: user.email, name: user.name },
        version: user.version,
        live: { status: user.status, organization, projects },
        assigned: { organization: organizationRoles, projects: projectRoles },
      };
    },
  };
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
