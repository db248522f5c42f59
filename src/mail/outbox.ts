/**
 * Mail to be sent, kept in the transaction of what it tells of: a change that is rolled back is told to nobody, and one that is
 * committed is told even when the process dies right after. Owns the rows and whose turn it is; does not own words or sockets.
 */
import type { Kysely, Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import { type Clock, clocksDifferSeconds } from '../clock.ts';
import type { Locale } from '../http/locale.ts';
import { newId } from '../ids.ts';
import type { Secrets } from '../secrets.ts';
import type { Letter } from './letter.ts';

/** A letter whose turn this caller has; nobody else gets it before its next try is due. */
export interface ClaimedLetter {
  readonly id: string;
  readonly kind: string;
  /** undefined: the language of the house. */
  readonly locale: Locale | undefined;
  /** undefined: it was sealed under another MANDATE_SECRET. */
  readonly letter: Letter | undefined;
  /** There is no next try. */
  readonly last: boolean;
}

export interface Outbox {
  /**
   * Puts a letter into the outbox when the transaction commits.
   * @param about whose account it is about, where it is one: what waits goes with the account
   * @returns its id
   */
  post(
    trx: Transaction<Database>,
    letter: Letter,
    about?: { readonly userId?: string; readonly locale?: Locale },
  ): Promise<string>;
  /** Takes letters that are due, each for one caller alone, on whichever node it is. */
  claimDue(limit: number): Promise<ClaimedLetter[]>;
  /** Notes that a letter was sent, and forgets what it said. */
  sent(id: string): Promise<void>;
  /** Notes why a letter could not be sent. @param final forgets it: no other try will do better */
  failed(id: string, failure: string, final: boolean): Promise<void>;
  /** Counts what is still to be sent, now or at a next try; a thousand at most. */
  waiting(): Promise<number>;
  /** Drops what waits for an account that is going, or that is told otherwise. */
  drop(trx: Transaction<Database>, about: { userId: string; kind?: Letter['kind'] }): Promise<void>;
  /** Clears away what was sent or given up a month ago. @returns how many */
  clear(): Promise<number>;
}

const minute = 60;
/** Seconds until the next try; the first is also how long a sender that died holds a letter back. */
const pauses = [2 * minute, 5 * minute, 15 * minute, 60 * minute, 180 * minute, 360 * minute];
/** Nothing is due later, but by a clock that was ahead. */
const latestDueSeconds = Math.max(...pauses) + clocksDifferSeconds;
const keptSeconds = 30 * 86_400;
/** Whoever looks after it need not know of how many more. */
const mostCounted = 1_000;

export function createOutbox(deps: { store: Store; clock: Clock; secrets: Secrets }): Outbox {
  const { store, clock, secrets } = deps;
  const { db } = store;

  const settle = async (
    id: string,
    columns: { sent_at?: number; failed_at?: number; failure?: string; sealed?: null },
  ) => {
    // mail_outbox by primary key; what was sent meanwhile, by whoever came next, stays sent
    await db
      .updateTable('mail_outbox')
      .set(columns)
      .where('id', '=', id)
      .where('sealed', 'is not', null)
      .execute();
  };

  return {
    async post(trx, letter, { userId, locale } = {}) {
      const id = newId('mail');
      await trx
        .insertInto('mail_outbox')
        .values({
          id,
          kind: letter.kind,
          locale: locale ?? null,
          user_id: userId ?? null,
          sealed: secrets.seal(JSON.stringify(letter), { of: 'mail_outbox.sealed', id }),
          attempts: 0,
          due_at: clock.now(),
          created_at: clock.now(),
        })
        .execute();
      return id;
    },

    async claimDue(limit) {
      const now = clock.now();
      // mail_outbox_due
      const due = await db
        .selectFrom('mail_outbox')
        .select(['id', 'kind', 'locale', 'sealed', 'attempts', 'due_at'])
        .where('sealed', 'is not', null)
        .where((is) => is.or([is('due_at', '<=', now), is('due_at', '>', now + latestDueSeconds)]))
        .orderBy('due_at')
        .limit(limit)
        .execute();
      const claimed: ClaimedLetter[] = [];
      for (const row of due) {
        const pause = pauses[Math.min(row.attempts, pauses.length - 1)] ?? minute;
        // mail_outbox by primary key; of two who saw the same state, one moves it on
        const { numUpdatedRows } = await db
          .updateTable('mail_outbox')
          .set({ attempts: row.attempts + 1, due_at: now + pause })
          .where('id', '=', row.id)
          .where('attempts', '=', row.attempts)
          .where('due_at', '=', row.due_at)
          .where('sealed', 'is not', null)
          .executeTakeFirst();
        if (numUpdatedRows !== 1n) continue;
        claimed.push({
          id: row.id,
          kind: row.kind,
          locale: row.locale === 'en' || row.locale === 'de' ? row.locale : undefined,
          letter: read(row.id, row.sealed ?? ''),
          last: row.attempts + 1 >= pauses.length,
        });
      }
      return claimed;
    },

    sent: (id) => settle(id, { sealed: null, sent_at: clock.now() }),
    failed: (id, failure, final) =>
      settle(id, final ? { sealed: null, failed_at: clock.now(), failure } : { failure }),

    async waiting() {
      // mail_outbox_due
      const { n } = await db
        .selectFrom(
          db
            .selectFrom('mail_outbox')
            .select('due_at')
            .where('sealed', 'is not', null)
            .where('due_at', '>', 0)
            .limit(mostCounted)
            .as('waiting'),
        )
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow();
      return n;
    },

    async drop(trx: Kysely<Database>, { userId, kind }) {
      let waiting = trx
        .deleteFrom('mail_outbox')
        .where('user_id', '=', userId)
        // mail_outbox_due: what waits is little
        .where('sealed', 'is not', null);
      if (kind !== undefined) waiting = waiting.where('kind', '=', kind);
      await waiting.execute();
    },

    async clear() {
      // mail_outbox_done
      const { numDeletedRows } = await db
        .deleteFrom('mail_outbox')
        .where('sealed', 'is', null)
        .where('created_at', '<', clock.now() - keptSeconds)
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
  };

  function read(id: string, sealed: string): Letter | undefined {
    try {
      return JSON.parse(secrets.unseal(sealed, { of: 'mail_outbox.sealed', id })) as Letter;
    } catch {
      return undefined;
    }
  }
}
