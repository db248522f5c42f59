/**
 * Links that let their reader set a password once: an invitation, or a forgotten password. Owns the tokens, of which only keyed
 * hashes are kept; does not own the mail that carries them, nor what the password has to be.
 */
import { randomBytes } from 'node:crypto';
import type { Kysely, Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { AccountLinksTable, Database } from '../../db/schema.ts';
import type { Clock } from '../clock.ts';
import type { Secrets } from '../secrets.ts';

export type LinkKind = AccountLinksTable['kind'];

/** How long a link opens anything, in seconds. */
const linkSeconds = { invitation: 7 * 86_400, password_reset: 30 * 60 } as const;

/** Whom a link is for. */
export interface LinkedAccount {
  readonly id: string;
  readonly email: string;
  readonly name: string;
}

export interface OpenInvitation {
  readonly createdAt: number;
  /** From here on it has to be sent again. */
  readonly expiresAt: number;
  /** The mail that holds the link. */
  readonly mailId: string | null;
  /** How that mail is getting on; null when that is long forgotten. */
  readonly mail: 'waiting' | 'sent' | 'failed' | null;
}

export interface AccountLinks {
  /** Makes a link, and ends those of its kind that the account had. @returns the token, which nobody can ask for again */
  issue(
    trx: Transaction<Database>,
    link: { kind: LinkKind; userId: string; createdBy: string },
  ): Promise<{ token: string; expiresAt: number }>;
  /** Notes which mail carries the invitation of an account. */
  carriedBy(trx: Transaction<Database>, userId: string, mailId: string): Promise<void>;
  /** Ends the links of one kind that an account has. */
  end(trx: Transaction<Database>, userId: string, kind: LinkKind): Promise<void>;
  /** Finds whom a link is for, without using it. @returns undefined when it was used, has expired, was ended or never was */
  find(kind: LinkKind, token: string): Promise<LinkedAccount | undefined>;
  /** Uses a link up, and ends every other one of its account. @returns undefined as `find` does; of two at once one gets it */
  use(trx: Transaction<Database>, kind: LinkKind, token: string): Promise<LinkedAccount | undefined>;
  /** Finds the invitations that were not taken up yet. */
  invitationsOf(userIds: readonly string[]): Promise<ReadonlyMap<string, OpenInvitation>>;
  /** Clears away what has ended. @returns how many */
  clear(): Promise<number>;
}

const purpose = 'account-link';
const binding = 'account-link-of';
const tokenPattern = /^[\w-]{43}$/;
/** An invitation that has expired is shown as such until somebody sends it again or withdraws it. */
const keptSeconds = 90 * 86_400;

/** Creates the store of links. */
export function createAccountLinks(deps: { store: Store; clock: Clock; secrets: Secrets }): AccountLinks {
  const { store, clock, secrets } = deps;
  const { db } = store;
  const hashesOf = (token: string) => secrets.keyedHashes(purpose, token);
  const factsOf = (user: { email_key: string; password_hash: string | null }) =>
    `${user.email_key}\0${user.password_hash ?? ''}`;

  async function open(from: Kysely<Database>, kind: LinkKind, token: string) {
    if (!tokenPattern.test(token)) return undefined;
    // account_links by primary key, users by primary key
    const row = await from
      .selectFrom('account_links as l')
      .innerJoin('users as u', 'u.id', 'l.user_id')
      .select(['u.id', 'u.email', 'u.name', 'u.email_key', 'u.password_hash', 'l.bound_to'])
      .where('l.token_hash', 'in', hashesOf(token))
      .where('l.kind', '=', kind)
      .where('l.used_at', 'is', null)
      .where('l.expires_at', '>', clock.now())
      .where('u.status', '=', 'active')
      .executeTakeFirst();
    return row && secrets.matches(binding, factsOf(row), row.bound_to)
      ? { id: row.id, email: row.email, name: row.name }
      : undefined;
  }

  async function end(trx: Transaction<Database>, userId: string, kind: LinkKind): Promise<void> {
    // account_links_by_user
    await trx
      .deleteFrom('account_links')
      .where('user_id', '=', userId)
      .where('kind', '=', kind)
      .where('used_at', 'is', null)
      .execute();
  }

  return {
    async issue(trx, { kind, userId, createdBy }) {
      const now = clock.now();
      // users by primary key
      const user = await trx
        .selectFrom('users')
        .select(['email_key', 'password_hash'])
        .where('id', '=', userId)
        .executeTakeFirstOrThrow();
      await end(trx, userId, kind);
      const token = randomBytes(32).toString('base64url');
      const expiresAt = now + linkSeconds[kind];
      await trx
        .insertInto('account_links')
        .values({
          token_hash: secrets.keyedHash(purpose, token),
          kind,
          user_id: userId,
          bound_to: secrets.keyedHash(binding, factsOf(user)),
          created_by: createdBy,
          created_at: now,
          expires_at: expiresAt,
        })
        .execute();
      return { token, expiresAt };
    },

    async carriedBy(trx, userId, mailId) {
      // account_links_by_user
      await trx
        .updateTable('account_links')
        .set({ mail_id: mailId })
        .where('user_id', '=', userId)
        .where('kind', '=', 'invitation')
        .where('used_at', 'is', null)
        .execute();
    },

    end,
    find: (kind, token) => open(db, kind, token),

    async use(trx, kind, token) {
      if (!tokenPattern.test(token)) return undefined;
      // account_links by primary key; it holds the row, so that of two at once the second finds it used
      const { numUpdatedRows } = await trx
        .updateTable('account_links')
        .set((row) => ({ mail_id: row.ref('mail_id') }))
        .where('token_hash', 'in', hashesOf(token))
        .where('used_at', 'is', null)
        .executeTakeFirst();
      const account = numUpdatedRows === 1n ? await open(trx, kind, token) : undefined;
      if (!account) return undefined;
      await trx
        .updateTable('account_links')
        .set({ used_at: clock.now() })
        .where('token_hash', 'in', hashesOf(token))
        .execute();
      // account_links_by_user
      await trx
        .deleteFrom('account_links')
        .where('user_id', '=', account.id)
        .where('used_at', 'is', null)
        .execute();
      return account;
    },

    async invitationsOf(userIds) {
      if (userIds.length === 0) return new Map();
      // account_links_by_user, users and mail_outbox by primary key
      const rows = await db
        .selectFrom('account_links as l')
        .innerJoin('users as u', 'u.id', 'l.user_id')
        .leftJoin('mail_outbox as m', 'm.id', 'l.mail_id')
        .select(['l.user_id', 'l.created_at', 'l.expires_at', 'l.mail_id'])
        .select(['m.id as mail', 'm.sent_at', 'm.failed_at'])
        .where('l.user_id', 'in', [...userIds])
        .where('l.kind', '=', 'invitation')
        .where('l.used_at', 'is', null)
        .where('u.password_hash', 'is', null)
        .execute();
      return new Map(
        rows.map((row) => [
          row.user_id,
          {
            createdAt: row.created_at,
            expiresAt: row.expires_at,
            mailId: row.mail_id,
            mail: standingOf(row),
          },
        ]),
      );
    },

    async clear() {
      const now = clock.now();
      // account_links_by_end
      const { numDeletedRows } = await db
        .deleteFrom('account_links')
        .where('expires_at', '<', now)
        .where((is) =>
          is.or([
            is('kind', '=', 'password_reset'),
            is('used_at', 'is not', null),
            is('expires_at', '<', now - keptSeconds),
          ]),
        )
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
}

function standingOf(row: {
  mail: string | null;
  sent_at: number | null;
  failed_at: number | null;
}): OpenInvitation['mail'] {
  if (row.mail === null) return null;
  if (row.sent_at !== null) return 'sent';
  return row.failed_at === null ? 'waiting' : 'failed';
}
