/**
 * What a database goes through after it was put back from a backup, so that nothing comes back to life that was ended since.
 * Nobody can know what was: whatever was handed out before is dead, and what acts without a person waits for somebody's word.
 */
import type { Transaction } from 'kysely';
import { adopt } from '../db/copies.ts';
import type { Store } from '../db/open.ts';
import type { Database } from '../db/schema.ts';
import type { Actor, ChangeLog } from './changes/change-log.ts';
import type { NumberRange } from './changes/old-changes.ts';
import type { Clock } from './clock.ts';

/** Names this in the log of changes. */
const restorer: Actor = { id: 'restore' };

/**
 * Everything that was issued: sessions, codes, tokens, registrations' tokens; links, codes and questions that work once and may have
 * been used since; mail that was sent since; the keys that signed ID tokens, one of which may have been revoked since.
 */
const issued = [
  'oidc_artifacts',
  'sessions',
  'challenges',
  'upstream_requests',
  'recovery_codes',
  'account_links',
  'mail_outbox',
  'signing_keys',
] as const;

/** Numbers of changes that were given since the backup are not given again: who remembers one of them begins anew. */
const numbersSkipped = 1_000_000_000;
/** Authorizations that one statement suspends. */
const suspendedAtOnce = 500;

/** What was done. */
export interface Restoration {
  readonly apiKeysSuspended: number;
  /** Authorizations of service accounts' own clients. */
  readonly machinesSuspended: number;
}

/** Makes a database that was put back safe to serve from. Doing it again does it again. */
export async function afterRestore({
  store,
  clock,
  changes,
}: {
  store: Store;
  clock: Clock;
  changes: ChangeLog;
}): Promise<Restoration> {
  const restoration = await store.transact(async (trx) => {
    for (const table of issued) await trx.deleteFrom(table).execute();
    await trx
      .updateTable('change_counter')
      .set((row) => ({ n: row('n', '+', numbersSkipped) }))
      .where('id', '=', 1)
      .execute();
    await changes.record(trx, restorer, { subject: 'server', id: 'mandate', action: 'restored' });
    const suspended = { apiKeysSuspended: 0, machinesSuspended: 0 };
    for (;;) {
      const batch = await suspendBatch(trx);
      suspended.apiKeysSuspended += batch.filter(({ kind }) => kind === 'api_key').length;
      suspended.machinesSuspended += batch.filter(({ kind }) => kind !== 'api_key').length;
      if (batch.length < suspendedAtOnce) return suspended;
    }
  });
  await adopt(store);
  return restoration;

  /** Suspends what acts without a person: nobody would be asked before it is used. */
  async function suspendBatch(trx: Transaction<Database>) {
    const batch = await trx
      .selectFrom('authorizations')
      .select(['id', 'kind'])
      // authorizations_by_status
      .where('status', '=', 'active')
      .where((is) => is.or([is('kind', '=', 'api_key'), is('follows_owner', '=', 1)]))
      .limit(suspendedAtOnce)
      .execute();
    if (batch.length === 0) return batch;
    await trx
      .updateTable('authorizations')
      .set((row) => ({
        status: 'suspended' as const,
        version: row('version', '+', 1),
        updated_at: clock.now(),
      }))
      .where(
        'id',
        'in',
        batch.map(({ id }) => id),
      )
      .execute();
    await changes.recordMany(
      trx,
      restorer,
      batch.map(({ id }) => ({ subject: 'authorization', id, action: 'suspended' }) as const),
    );
    return batch;
  }
}

/** What says whether an authorization is suspended, and by whom. */
const decisions = ['suspended', 'resumed', 'leaked'];

/** Finds the authorizations that a restore suspended and nobody has decided about since. @returns their ids */
export async function suspendedByRestore({ store }: { store: Store }): Promise<string[]> {
  const rows = await store.db
    // authorizations_by_status, changes_by_subject
    .selectFrom('authorizations as a')
    .select('a.id')
    .where('a.status', '=', 'suspended')
    .where(({ eb, selectFrom }) =>
      eb(
        selectFrom('changes as c')
          .select('c.actor')
          .where('c.subject', '=', 'authorization')
          .whereRef('c.subject_id', '=', 'a.id')
          .where('c.action', 'in', decisions)
          .orderBy('c.seq', 'desc')
          .limit(1),
        '=',
        restorer.id,
      ),
    )
    .orderBy('a.id')
    .execute();
  return rows.map(({ id }) => id);
}

/**
 * Tells which changes `suspendedByRestore` goes by: they stay for as long as what they suspended waits for somebody's word.
 * @returns what finds the numbers of those in a range
 */
export function neededAfterRestore({ store }: { store: Pick<Store, 'db'> }) {
  return async ({ after, through }: NumberRange): Promise<number[]> => {
    const rows = await store.db
      // changes_by_action or changes_by_actor, authorizations by primary key, changes_by_subject
      .selectFrom('changes as c')
      .innerJoin('authorizations as a', 'a.id', 'c.subject_id')
      .select('c.seq')
      .where('c.actor', '=', restorer.id)
      .where('c.seq', '>', after)
      .where('c.seq', '<=', through)
      .where('c.subject', '=', 'authorization')
      .where('c.action', '=', 'suspended')
      .where('a.status', '=', 'suspended')
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('changes as later')
              .select('later.seq')
              .where('later.subject', '=', 'authorization')
              .whereRef('later.subject_id', '=', 'c.subject_id')
              .where('later.action', 'in', decisions)
              .whereRef('later.seq', '>', 'c.seq'),
          ),
        ),
      )
      .execute();
    return rows.map(({ seq }) => seq);
  };
}
