/** Which account at which provider opens which account here, as rows. Does not own when one is linked (`upstream-decision.ts`). */
import type { Kysely, Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database, UpstreamAccountsTable } from '../../db/schema.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import { newId } from '../ids.ts';
import type { UpstreamIdentity } from './upstream-provider.ts';
import { isLeftWithWayIn } from './ways-in.ts';

export interface UpstreamAccount {
  readonly id: string;
  readonly userId: string;
  readonly issuer: string;
  readonly subject: string;
  /** What it was called there; undefined where the provider did not say. */
  readonly label: string | undefined;
  readonly linkedAt: number;
  readonly lastUsedAt: number | null;
}

export type LinkOutcome =
  | { readonly outcome: 'linked' }
  /** `theirs`: the person has linked it before; otherwise somebody else has. */
  | { readonly outcome: 'taken'; readonly theirs: boolean }
  | { readonly outcome: 'too_many' };

type Names = Pick<UpstreamIdentity, 'issuer' | 'subject' | 'email' | 'name'>;

export interface UpstreamAccountStore {
  list(userId: string): Promise<UpstreamAccount[]>;
  find(identity: Pick<UpstreamIdentity, 'issuer' | 'subject'>): Promise<UpstreamAccount | undefined>;
  /** Links an account there with one here: of two that try at once, one does. */
  link(trx: Transaction<Database>, actor: Actor, userId: string, identity: Names): Promise<LinkOutcome>;
  /** Unlinks unless nobody could sign in as the person any more. @param options.evenLast also then */
  unlink(
    actor: Actor,
    userId: string,
    id: string,
    options?: { evenLast?: boolean },
  ): Promise<'unlinked' | 'not_found' | 'last_way'>;
  used(id: string): Promise<void>;
}

/** Nobody has more; a list has an end. */
const mostAccounts = 10;
const longestLabel = 254;

export function createUpstreamAccountStore(deps: {
  store: Store;
  clock: Clock;
  changes: ChangeLog;
}): UpstreamAccountStore {
  const { store, clock, changes } = deps;
  const listed = (db: Kysely<Database>, userId: string) =>
    db
      // upstream_accounts_by_user
      .selectFrom('upstream_accounts')
      .selectAll()
      .where('user_id', '=', userId)
      .orderBy('id')
      .execute();
  const found = (db: Kysely<Database>, { issuer, subject }: Pick<Names, 'issuer' | 'subject'>) =>
    db
      // upstream_accounts_once
      .selectFrom('upstream_accounts')
      .selectAll()
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .executeTakeFirst();

  return {
    list: async (userId) => (await listed(store.db, userId)).map(toAccount),

    async find(identity) {
      const row = await found(store.db, identity);
      return row && toAccount(row);
    },

    async link(trx, actor, userId, identity) {
      if ((await listed(trx, userId)).length >= mostAccounts) return { outcome: 'too_many' };
      const { issuer, subject } = identity;
      const label = (identity.email ?? identity.name)?.slice(0, longestLabel) ?? null;
      const id = newId('ups');
      const { numInsertedOrUpdatedRows } = await trx
        // upstream_accounts_once
        .insertInto('upstream_accounts')
        .values({
          id,
          user_id: userId,
          issuer,
          subject,
          label,
          linked_at: clock.now(),
          last_used_at: null,
        })
        .onConflict((conflict) => conflict.columns(['issuer', 'subject']).doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 0n) {
        return { outcome: 'taken', theirs: (await found(trx, identity))?.user_id === userId };
      }
      const after = { id, issuer, subject, label };
      await changes.record(trx, actor, { subject: 'user', id: userId, action: 'upstream_linked', after });
      return { outcome: 'linked' };
    },

    unlink: (actor, userId, id, { evenLast = false } = {}) =>
      store.transact(async (trx) => {
        const left = await isLeftWithWayIn(trx, userId, { table: 'upstream_accounts', id });
        const own = await listed(trx, userId);
        const removed = own.find((row) => row.id === id);
        if (!removed) return 'not_found';
        if (!evenLast && !left) return 'last_way';
        // Primary key.
        await trx.deleteFrom('upstream_accounts').where('id', '=', id).execute();
        // A sign-in through it that waits for a code ends with it; challenges live for minutes.
        await trx.deleteFrom('challenges').where('user_id', '=', userId).execute();
        const { issuer, subject } = removed;
        const after = { id, issuer, subject };
        await changes.record(trx, actor, { subject: 'user', id: userId, action: 'upstream_unlinked', after });
        return 'unlinked';
      }),

    async used(id) {
      await store.db
        .updateTable('upstream_accounts')
        .set({ last_used_at: clock.now() })
        // Primary key.
        .where('id', '=', id)
        .execute();
    },
  };
}

function toAccount(row: UpstreamAccountsTable): UpstreamAccount {
  return {
    id: row.id,
    userId: row.user_id,
    issuer: row.issuer,
    subject: row.subject,
    label: row.label ?? undefined,
    linkedAt: row.linked_at,
    lastUsedAt: row.last_used_at,
  };
}
