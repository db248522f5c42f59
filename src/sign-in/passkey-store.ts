/** Passkeys as rows: whose each is, what it is called, and how far it has counted. Does not own the ceremonies (`passkeys.ts`). */
import { sql } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { PasskeysTable } from '../../db/schema.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import { newId } from '../ids.ts';
import { isLeftWithWayIn } from './ways-in.ts';

export interface Passkey {
  readonly id: string;
  readonly userId: string;
  /** Base64url. */
  readonly credentialId: string;
  /** COSE key, base64url. */
  readonly publicKey: string;
  readonly transports: readonly string[];
  /** Whether its maker copies it to other devices. */
  readonly synced: boolean;
  readonly name: string;
  readonly createdAt: number;
  readonly lastUsedAt: number | null;
}

export interface PasskeyStore {
  list(userId: string): Promise<Passkey[]>;
  findByCredential(credentialId: string): Promise<Passkey | undefined>;
  /** @returns undefined when somebody has this credential already */
  add(
    actor: Actor,
    passkey: Pick<Passkey, 'userId' | 'credentialId' | 'publicKey' | 'transports' | 'synced' | 'name'> & {
      counter: number;
    },
  ): Promise<Passkey | undefined>;
  /** @returns whether it is the person's */
  rename(actor: Actor, userId: string, id: string, name: string): Promise<boolean>;
  /** Removes one of the person's, unless nobody could sign in as them any more. */
  remove(actor: Actor, userId: string, id: string): Promise<'removed' | 'not_found' | 'last_way'>;
  removeAll(actor: Actor, userId: string): Promise<number>;
  /**
   * Notes a use, and where the passkey is by now.
   * @param synced whether it is copied to other devices at present; as it was, unless it says otherwise
   * @returns false when the authenticator has counted backwards: there are two of it (WebAuthn level 3 section 6.1.1)
   */
  used(passkey: Passkey, counter: number, synced?: boolean): Promise<boolean>;
}

/** Nobody has more devices; a list has an end. */
export const mostPasskeys = 20;
export const longestPasskeyName = 60;

export function createPasskeyStore(deps: { store: Store; clock: Clock; changes: ChangeLog }): PasskeyStore {
  const { store, clock, changes } = deps;
  const record = (
    trx: Parameters<ChangeLog['record']>[0],
    actor: Actor,
    userId: string,
    action: string,
    after: object,
  ) => changes.record(trx, actor, { subject: 'user', id: userId, action, after });

  return {
    async list(userId) {
      const rows = await store.db
        // passkeys_by_user
        .selectFrom('passkeys')
        .selectAll()
        .where('user_id', '=', userId)
        .orderBy('id')
        .execute();
      return rows.map(toPasskey);
    },

    async findByCredential(credentialId) {
      const row = await store.db
        // passkeys by its unique credential_id
        .selectFrom('passkeys')
        .selectAll()
        .where('credential_id', '=', credentialId)
        .executeTakeFirst();
      return row && toPasskey(row);
    },

    add: (actor, passkey) =>
      store.transact(async (trx) => {
        const row = await trx
          // passkeys by its unique credential_id
          .insertInto('passkeys')
          .values({
            id: newId('psk'),
            user_id: passkey.userId,
            credential_id: passkey.credentialId,
            public_key: passkey.publicKey,
            counter: passkey.counter,
            transports: JSON.stringify(passkey.transports),
            synced: passkey.synced ? 1 : 0,
            name: passkey.name,
            created_at: clock.now(),
            last_used_at: null,
          })
          .onConflict((conflict) => conflict.column('credential_id').doNothing())
          .returningAll()
          .executeTakeFirst();
        if (!row) return undefined;
        await record(trx, actor, passkey.userId, 'passkey_added', { id: row.id, name: row.name });
        return toPasskey(row);
      }),

    rename: (actor, userId, id, name) =>
      store.transact(async (trx) => {
        const { numUpdatedRows } = await trx
          // Primary key.
          .updateTable('passkeys')
          .set({ name })
          .where('id', '=', id)
          .where('user_id', '=', userId)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows > 0n) await record(trx, actor, userId, 'passkey_renamed', { id, name });
        return numUpdatedRows > 0n;
      }),

    remove: (actor, userId, id) =>
      store.transact(async (trx) => {
        const left = await isLeftWithWayIn(trx, userId, { table: 'passkeys', id });
        const own = await trx
          // Primary key.
          .selectFrom('passkeys')
          .select('id')
          .where('id', '=', id)
          .where('user_id', '=', userId)
          .executeTakeFirst();
        if (!own) return 'not_found';
        if (!left) return 'last_way';
        const { numDeletedRows } = await trx
          // Primary key.
          .deleteFrom('passkeys')
          .where('id', '=', id)
          .where('user_id', '=', userId)
          .executeTakeFirstOrThrow();
        if (numDeletedRows > 0n) await record(trx, actor, userId, 'passkey_removed', { id });
        return 'removed';
      }),

    removeAll: (actor, userId) =>
      store.transact(async (trx) => {
        const { numDeletedRows } = await trx
          // passkeys_by_user
          .deleteFrom('passkeys')
          .where('user_id', '=', userId)
          .executeTakeFirstOrThrow();
        const passkeys = Number(numDeletedRows);
        if (passkeys > 0) await record(trx, actor, userId, 'passkeys_removed', { passkeys });
        return passkeys;
      }),

    async used(passkey, counter, synced = passkey.synced) {
      const { numUpdatedRows } = await store.db
        .updateTable('passkeys')
        .set({ counter, synced: synced ? 1 : 0, last_used_at: clock.now() })
        // Primary key.
        .where('id', '=', passkey.id)
        // Those that do not count stay at zero.
        .where(sql<boolean>`(counter < ${counter} or (counter = 0 and ${counter} = 0))`)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows > 0n) return true;
      const actor = { id: 'system' };
      await store.transact(
        async (trx) =>
          void (await record(trx, actor, passkey.userId, 'passkey_doubtful', { id: passkey.id })),
      );
      return false;
    },
  };
}

function toPasskey(row: PasskeysTable): Passkey {
  return {
    id: row.id,
    userId: row.user_id,
    credentialId: row.credential_id,
    publicKey: row.public_key,
    transports: JSON.parse(row.transports) as string[],
    synced: row.synced === 1,
    name: row.name,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  };
}
