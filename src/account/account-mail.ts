/** What comes and goes by mail, as one piece: the sender, what is said in its name, and the pages that its links lead to. */
import type Router from '@koa/router';
import type { MailDependencies } from '../mail/mail.ts';
import { createMail, type Mail, type MailSettings, noMail } from '../mail/mail.ts';
import { createForgottenPasswords } from './forgotten-password.ts';
import { createInvitations, type Invitations } from './invitations.ts';
import { createLinkRoutes, type LinkDependencies } from './link-routes.ts';

export interface AccountMail {
  readonly mail: Mail;
  readonly invitations: Invitations;
  readonly linkRoutes: Router;
}

/** @param deps.mail how mail leaves; none does when absent */
export function createAccountMail(
  deps: Omit<LinkDependencies, 'forgottenPasswords' | 'invitations' | 'mailAvailable'> &
    Parameters<typeof createForgottenPasswords>[0] &
    Parameters<typeof createInvitations>[0] &
    Omit<MailDependencies, 'settings' | 'answerReset'> & { readonly mail?: MailSettings | undefined },
): AccountMail {
  const forgottenPasswords = createForgottenPasswords(deps);
  const invitations = createInvitations(deps);
  const { mail: settings = noMail } = deps;
  const mail = createMail({ ...deps, settings, answerReset: forgottenPasswords.answer });
  const mailAvailable = mail.available;
  const linkRoutes = createLinkRoutes({ ...deps, forgottenPasswords, invitations, mailAvailable });
  return { mail, invitations, linkRoutes };
}
