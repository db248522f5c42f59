/**
 * A forgotten password: wanted, answered by mail, set anew. Owns what happens at each of the three; does not own the link
 * (`directory/account-links.ts`) nor the letter (`mail`). Wanting one does the same for every address, whoever has it.
 */
import type { Store } from '../../db/open.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { AccountLinks, LinkedAccount } from '../directory/account-links.ts';
import { checkNewPassword, type PasswordProblem } from '../directory/new-password.ts';
import type { Passwords } from '../directory/passwords.ts';
import { endSessions } from '../directory/session-store.ts';
import { holdUser, type UserStore } from '../directory/user-store.ts';
import type { Locale } from '../http/locale.ts';
import type { Deliverable } from '../mail/letter.ts';
import type { Outbox } from '../mail/outbox.ts';

export type SetPasswordOutcome =
  | { readonly kind: 'done'; readonly account: LinkedAccount }
  /** Used, expired, ended or never there. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'refused'; readonly account: LinkedAccount; readonly problem: PasswordProblem };

export interface ForgottenPasswords {
  /** Notes that somebody wants a new password for an address. Costs the same whether or not anybody has it. */
  want(email: string, locale: Locale): Promise<void>;
  /** Finds out what such a wish comes to: a letter with a link for an account that signs in with a password, else nothing. */
  answer(email: string): Promise<Deliverable | undefined>;
  /** Sets the password that a link allows, and ends every session of the account. */
  reset(token: string, password: string, origin: string): Promise<SetPasswordOutcome>;
}

export function createForgottenPasswords(deps: {
  store: Store;
  users: UserStore;
  accountLinks: AccountLinks;
  passwords: Passwords;
  changes: ChangeLog;
  outbox: Outbox;
}): ForgottenPasswords {
  const { store, users, accountLinks, passwords, changes, outbox } = deps;
  return {
    want: (email, locale) =>
      store.transact(async (trx) => {
        await outbox.post(trx, { kind: 'password_reset_wanted', email }, { locale });
      }),

    async answer(email) {
      const user = await users.findByEmail(email);
      // Whoever was never given a password does not get a first one this way.
      if (user?.status !== 'active' || user.passwordHash === null) return undefined;
      const link = { kind: 'password_reset', userId: user.id, createdBy: user.id } as const;
      const { token, expiresAt } = await store.transact((trx) => accountLinks.issue(trx, link));
      return { kind: 'password_reset', to: user.email, token, until: expiresAt };
    },

    async reset(token, password, origin) {
      const account = await accountLinks.find('password_reset', token);
      if (!account) return { kind: 'ended' };
      const problem = checkNewPassword(password, account);
      if (problem) return { kind: 'refused', account, problem };
      const passwordHash = await passwords.hash(password);
      const actor: Actor = { id: account.id, origin };
      return store.transact(async (trx): Promise<SetPasswordOutcome> => {
        if (!(await accountLinks.use(trx, 'password_reset', token))) return { kind: 'ended' };
        await holdUser(trx, account.id);
        const sessions = await endSessions(trx, account.id, { allBut: undefined });
        await users.within(trx).update(actor, account.id, { passwordHash });
        const change = { subject: 'user', id: account.id, action: 'password_reset' } as const;
        await changes.record(trx, actor, { ...change, after: { sessions } });
        return { kind: 'done', account };
      });
    },
  };
}
