/**
 * An invitation, from its letter to the first sign-in. Owns what an account goes through in between: it is active and may be given
 * rights, but without a password or an account at another provider nobody signs in as it. Does not own the link
 * (`directory/account-links.ts`).
 */
import type { Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { AccountLinks, LinkedAccount } from '../directory/account-links.ts';
import { checkNewPassword } from '../directory/new-password.ts';
import type { Passwords } from '../directory/passwords.ts';
import type { UserStore } from '../directory/user-store.ts';
import type { Locale } from '../http/locale.ts';
import type { Outbox } from '../mail/outbox.ts';
import type { UpstreamAccountStore } from '../sign-in/upstream-account-store.ts';
import type { UpstreamIdentity } from '../sign-in/upstream-provider.ts';
import type { SetPasswordOutcome } from './forgotten-password.ts';

export interface Invitations {
  /** Sends an account without a password its invitation; one that was sent before opens nothing any more. */
  send(
    trx: Transaction<Database>,
    actor: Actor,
    account: { id: string; email: string },
    letter: { readonly by: string; readonly locale?: Locale },
  ): Promise<void>;
  /** Ends an invitation, with what waits to be sent of it. */
  end(trx: Transaction<Database>, userId: string): Promise<void>;
  /** Gives the account of an invitation its name and its first password. */
  accept(
    token: string,
    answer: { name: string; password: string },
    origin: string,
  ): Promise<SetPasswordOutcome>;
  /** Links the account of an invitation with one at another provider, in place of a password. */
  acceptWith(token: string, identity: UpstreamIdentity, origin: string): Promise<AcceptWithOutcome>;
}

export type AcceptWithOutcome =
  | { readonly kind: 'ended' }
  | { readonly kind: 'taken'; readonly account: LinkedAccount }
  | { readonly kind: 'done'; readonly account: LinkedAccount };

/** Takes back what a transaction has begun. */
class TakenError extends Error {
  override readonly name = 'TakenError';
}

/** Makes the link of an invitation, for whoever hands it over, and puts it on record; one that was made before opens nothing any more. */
export async function issueInvitation(
  { accountLinks, changes }: { accountLinks: AccountLinks; changes: ChangeLog },
  trx: Transaction<Database>,
  actor: Actor,
  { id, email }: { id: string; email: string },
): ReturnType<AccountLinks['issue']> {
  const link = await accountLinks.issue(trx, { kind: 'invitation', userId: id, createdBy: actor.id });
  await changes.record(trx, actor, {
    subject: 'user',
    id,
    action: 'invited',
    after: { email, until: link.expiresAt },
  });
  return link;
}

export function createInvitations(deps: {
  store: Store;
  users: UserStore;
  accountLinks: AccountLinks;
  passwords: Passwords;
  changes: ChangeLog;
  outbox: Outbox;
  upstreamAccounts: UpstreamAccountStore;
}): Invitations {
  const { store, users, accountLinks, passwords, changes, outbox } = deps;
  return {
    async send(trx, actor, { id, email }, { by, locale }) {
      await outbox.drop(trx, { userId: id, kind: 'invitation' });
      const { token, expiresAt } = await issueInvitation(deps, trx, actor, { id, email });
      const about = { userId: id, ...(locale && { locale }) };
      const letter = { kind: 'invitation', to: email, by, token, until: expiresAt } as const;
      await accountLinks.carriedBy(trx, id, await outbox.post(trx, letter, about));
    },

    async end(trx, userId) {
      await outbox.drop(trx, { userId, kind: 'invitation' });
      await accountLinks.end(trx, userId, 'invitation');
    },

    async accept(token, { name, password }, origin) {
      const account = await accountLinks.find('invitation', token);
      if (!account) return { kind: 'ended' };
      const problem = checkNewPassword(password, { email: account.email, name });
      if (problem) return { kind: 'refused', account, problem };
      const passwordHash = await passwords.hash(password);
      const actor: Actor = { id: account.id, origin };
      return store.transact(async (trx): Promise<SetPasswordOutcome> => {
        if (!(await accountLinks.use(trx, 'invitation', token))) return { kind: 'ended' };
        await users.within(trx).update(actor, account.id, { name, passwordHash });
        // They have just chosen it themselves, on the way in.
        await outbox.drop(trx, { userId: account.id, kind: 'password_changed' });
        await changes.record(trx, actor, {
          subject: 'user',
          id: account.id,
          action: 'invitation_accepted',
          after: { name },
        });
        return { kind: 'done', account };
      });
    },

    async acceptWith(token, identity, origin) {
      const account = await accountLinks.find('invitation', token);
      if (!account) return { kind: 'ended' };
      const actor: Actor = { id: account.id, origin };
      const work = async (trx: Transaction<Database>): Promise<AcceptWithOutcome> => {
        if (!(await accountLinks.use(trx, 'invitation', token))) return { kind: 'ended' };
        const linked = await deps.upstreamAccounts.link(trx, actor, account.id, identity);
        if (linked.outcome !== 'linked') throw new TakenError();
        // They have just done it themselves, on the way in.
        await outbox.drop(trx, { userId: account.id, kind: 'sign_in_changed' });
        // An account that was only invited has its address for a name.
        const name = account.name === account.email ? (identity.name ?? account.name) : account.name;
        await users.within(trx).update(actor, account.id, { name });
        await changes.record(trx, actor, {
          subject: 'user',
          id: account.id,
          action: 'invitation_accepted',
          after: { name },
        });
        return { kind: 'done', account };
      };
      return store.transact(work).catch((error: unknown): AcceptWithOutcome => {
        // The invitation is as good as before.
        if (error instanceof TakenError) return { kind: 'taken', account };
        throw error;
      });
    },
  };
}
