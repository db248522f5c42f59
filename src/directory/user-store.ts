/**
 * The accounts that hold rights. Owns users and their role assignments; does not own what roles say (`role-store`), nor
 * how assignments become live rights (`live-access`).
 */
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database, UsersTable } from '../../db/schema.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import { newId } from '../ids.ts';
import { type AssignmentMethods, assignmentMethods } from './assignments.ts';
import { emailKey } from './email-key.ts';
import { isLastOwner, takeOwnersTurn } from './owners.ts';
import { endSessions } from './session-store.ts';

export type UserKind = 'person' | 'service_account';

export interface User {
  readonly id: string;
  readonly kind: UserKind;
  /** As it was written; `emailKey` folds it. */
  readonly email: string;
  readonly name: string;
  readonly status: 'active' | 'suspended';
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What sign-in needs to know; null: no interactive sign-in. */
export interface UserWithPassword extends User {
  readonly passwordHash: string | null;
}

export interface NewUser {
  readonly kind: UserKind;
  readonly email: string;
  readonly name: string;
  /** A PHC string. */
  readonly passwordHash?: string | null;
}

export interface UserQuery {
  /** Part of the e-mail address or of the name, in any case. */
  readonly search?: string;
  readonly kind?: UserKind;
  readonly limit: number;
  /** The id of the last user of the page before. */
  readonly after?: string;
}

export type CreateUserOutcome = { outcome: 'created'; user: User } | { outcome: 'email_taken' };
export type UpdateUserOutcome =
  | { outcome: 'done'; changed: boolean }
  | { outcome: 'not_found' }
  | { outcome: 'email_taken' };
/** `last_owner`: an organization always keeps one active person who is Owner. */
export type SuspendOutcome =
  | { outcome: 'done'; changed: boolean }
  | { outcome: 'not_found' }
  | { outcome: 'last_owner' };
export type ResumeOutcome = { outcome: 'done'; changed: boolean } | { outcome: 'not_found' };

export type RemoveUserOutcome = { outcome: 'done' } | { outcome: 'not_found' } | { outcome: 'last_owner' };

export interface UserMethods extends AssignmentMethods {
  findById(id: string): Promise<User | undefined>;
  /** Finds by address in any spelling that folds to the same key. */
  findByEmail(email: string): Promise<UserWithPassword | undefined>;
  /** Lists users in the order in which they were made. */
  list(query: UserQuery): Promise<User[]>;
  create(actor: Actor, user: NewUser): Promise<CreateUserOutcome>;
  /** Changes what is given and leaves the rest. */
  update(
    actor: Actor,
    id: string,
    change: { email?: string; name?: string; passwordHash?: string | null },
  ): Promise<UpdateUserOutcome>;
  /** Takes every right away until `resume`, in tokens already issued too. */
  suspend(actor: Actor, id: string): Promise<SuspendOutcome>;
  resume(actor: Actor, id: string): Promise<ResumeOutcome>;
  /**
   * Removes the row alone, and frees its address: revoke what the account handed out in the same transaction
   * (`oauth/remove-account.ts`). The log of changes keeps who it was.
   */
  remove(actor: Actor, id: string): Promise<RemoveUserOutcome>;
}

export interface UserStore extends UserMethods {
  /** The same methods inside a transaction that the caller commits. */
  within(trx: Transaction<Database>): UserMethods;
}

export interface DirectoryDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly changes: ChangeLog;
}

/** Creates the store of users and their role assignments. */
export function createUserStore(deps: DirectoryDeps): UserStore {
  return {
    ...methods(deps, deps.store.db, deps.store.transact),
    within: (trx) => methods(deps, trx, (work) => work(trx)),
  };
}

const columns = ['id', 'kind', 'email', 'name', 'status', 'version', 'created_at', 'updated_at'] as const;

function methods(deps: DirectoryDeps, db: Kysely<Database>, transact: Store['transact']): UserMethods {
  const { clock, changes } = deps;
  return {
    ...assignmentMethods(deps, db, transact),

    async findById(id) {
      // users by primary key
      const row = await db.selectFrom('users').select(columns).where('id', '=', id).executeTakeFirst();
      return row && toUser(row);
    },

    async findByEmail(email) {
      // users by its unique email_key
      const row = await db
        .selectFrom('users')
        .select([...columns, 'password_hash'])
        .where('email_key', '=', emailKey(email))
        .executeTakeFirst();
      return row && { ...toUser(row), passwordHash: row.password_hash };
    },

    async list({ search, kind, limit, after }) {
      // users by primary key, from `after` on; a search reads each row once
      let query = db.selectFrom('users').select(columns).orderBy('id').limit(limit);
      if (after !== undefined) query = query.where('id', '>', after);
      if (kind !== undefined) query = query.where('kind', '=', kind);
      if (search !== undefined && search !== '') {
        const pattern = `%${emailKey(search).replace(/[\\%_]/g, '\\$&')}%`;
        query = query.where(
          sql<boolean>`(email_key like ${pattern} escape '\\' or lower(name) like ${pattern} escape '\\')`,
        );
      }
      return (await query.execute()).map(toUser);
    },

    create: (actor, { kind, email, name, passwordHash = null }) =>
      transact(async (trx) => {
        const now = clock.now();
        // users by its unique email_key: whoever comes second inserts nothing
        const row = await trx
          .insertInto('users')
          .values({
            id: newId('usr'),
            kind,
            email: email.trim(),
            email_key: emailKey(email),
            name,
            status: 'active',
            password_hash: passwordHash,
            version: 1,
            created_at: now,
            updated_at: now,
          })
          .onConflict((conflict) => conflict.column('email_key').doNothing())
          .returning(columns)
          .executeTakeFirst();
        if (!row) return { outcome: 'email_taken' };
        const user = toUser(row);
        await changes.record(trx, actor, {
          subject: 'user',
          id: user.id,
          action: 'created',
          after: { kind, email, name },
        });
        return { outcome: 'created', user };
      }),

    update: (actor, id, change) =>
      transact(async (trx) => {
        // What is not given stays as it is now, not as it was before somebody else's change at the same moment.
        const row = await holdUser(trx, id);
        if (!row) return { outcome: 'not_found' };
        const email = change.email?.trim() ?? row.email;
        const name = change.name ?? row.name;
        const hash = change.passwordHash === undefined ? row.password_hash : change.passwordHash;
        if (email === row.email && name === row.name && hash === row.password_hash) {
          return { outcome: 'done', changed: false };
        }
        // users by its unique email_key
        const holder = await trx
          .selectFrom('users')
          .select('id')
          .where('email_key', '=', emailKey(email))
          .executeTakeFirst();
        if (holder && holder.id !== id) return { outcome: 'email_taken' };
        // users by primary key
        await trx
          .updateTable('users')
          .set((old) => ({
            email,
            email_key: emailKey(email),
            name,
            password_hash: hash,
            version: old('version', '+', 1),
            updated_at: clock.now(),
          }))
          .where('id', '=', id)
          .execute();
        // Whoever knew the old password is out, wherever they are (OWASP ASVS 5.0 section 7.4).
        if (hash !== row.password_hash) await endSessions(trx, id, { allBut: undefined });
        await changes.record(trx, actor, {
          subject: 'user',
          id,
          action: hash === row.password_hash ? 'updated' : 'password_changed',
          before: { email: row.email, name: row.name },
          after: { email, name },
        });
        return { outcome: 'done', changed: true };
      }),

    suspend: (actor, id) =>
      transact(async (trx) => {
        await takeOwnersTurn(trx);
        if (await isLastOwner(trx, id)) return { outcome: 'last_owner' };
        return await setStatus(trx, actor, id, 'suspended');
      }),

    resume: (actor, id) => transact((trx) => setStatus(trx, actor, id, 'active')),

    remove: (actor, id) =>
      transact(async (trx) => {
        await takeOwnersTurn(trx);
        if (await isLastOwner(trx, id)) return { outcome: 'last_owner' };
        // users by primary key; assignments, sessions, links and second factors go with it
        const row = await trx.deleteFrom('users').where('id', '=', id).returning(columns).executeTakeFirst();
        if (!row) return { outcome: 'not_found' };
        const { kind, email, name } = row;
        await changes.record(trx, actor, {
          subject: 'user',
          id,
          action: 'removed',
          before: { kind, email, name },
        });
        return { outcome: 'done' };
      }),
  };

  async function setStatus(
    trx: Transaction<Database>,
    actor: Actor,
    id: string,
    status: User['status'],
  ): Promise<ResumeOutcome> {
    // users by primary key
    const { numUpdatedRows } = await trx
      .updateTable('users')
      .set((row) => ({ status, version: row('version', '+', 1), updated_at: clock.now() }))
      .where('id', '=', id)
      .where('status', '<>', status)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) {
      const known = await trx.selectFrom('users').select('id').where('id', '=', id).executeTakeFirst();
      return known ? { outcome: 'done', changed: false } : { outcome: 'not_found' };
    }
    if (status === 'suspended') await endSessions(trx, id, { allBut: undefined });
    const action = status === 'suspended' ? 'suspended' : 'resumed';
    await changes.record(trx, actor, { subject: 'user', id, action, after: { status } });
    return { outcome: 'done', changed: true };
  }
}

/**
 * Reads an account's row and holds it until the transaction ends: an update that changes nothing, so that it works on either engine. Whoever
 * writes it and ends sessions holds it first, as a sign-in does: two of them never wait for each other.
 */
export function holdUser(trx: Transaction<Database>, id: string): Promise<UsersTable | undefined> {
  return (
    trx
      // users by primary key
      .updateTable('users')
      .set((row) => ({ version: row.ref('version') }))
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst()
  );
}

function toUser(row: Pick<UsersTable, (typeof columns)[number]>): User {
  return {
    id: row.id,
    kind: row.kind,
    email: row.email,
    name: row.name,
    status: row.status,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
