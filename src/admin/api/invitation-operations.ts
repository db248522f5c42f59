/** Invitations: an account made without a password, and the mail that lets its person choose one. */
import { z } from 'zod';
import { accountSchema, readAccount } from './account-document.ts';
import { giveRole } from './account-operations.ts';
import type { Caller } from './caller.ts';
import { guardAccount } from './guards.ts';
import { type AdminDeps, operation } from './operation.ts';
import { refusal } from './problem.ts';
import { emailSchema, nameSchema } from './schemas.ts';

const tag = 'Users';
const manage = ['users.manage'] as const;
const one = '/users/{user_id}/invitation';
const language = z.enum(['en', 'de']).optional().describe('Of the mail; absent: the language of the house');

export const invitationOperations = {
  invite: operation({
    id: 'invite_user',
    tag,
    summary: 'Invite a person by mail: an account with rights and without a password, which they choose',
    method: 'post',
    path: '/invitations',
    anyOf: manage,
    status: 201,
    body: z.strictObject({
      email: emailSchema.describe('Unique among people and service accounts'),
      name: nameSchema.optional().describe('Absent: until they say it, the address stands for it'),
      role_ids: z.array(z.string()).max(50).default([]).describe('Roles on the organization'),
      language,
    }),
    answer: accountSchema,
    async handle(deps, { caller, body: { email, name = email, role_ids: roleIds, language: locale } }) {
      requireMail(deps);
      const id = await deps.store.transact(async (trx) => {
        const users = deps.users.within(trx);
        const made = await users.create(caller.actor, { kind: 'person', email, name });
        if (made.outcome === 'email_taken') throw refusal('email_taken', { email });
        const { user } = made;
        for (const roleId of roleIds) {
          await giveRole(deps, caller, trx, { userId: user.id, roleId, projectId: null });
        }
        await deps.invitations.send(trx, caller.actor, user, letterOf(caller, locale));
        return user.id;
      });
      return readAccount(deps, 'person', id);
    },
  }),

  send: operation({
    id: 'send_invitation',
    tag,
    summary: 'Send an invitation again; the link that was sent before opens nothing any more',
    method: 'post',
    path: one,
    anyOf: manage,
    body: z.strictObject({ language }),
    answer: accountSchema,
    async handle(deps, { caller, params, body }) {
      const account = await requireInvitable(deps, params.user_id ?? '');
      requireMail(deps);
      await deps.store.transact(async (trx) => {
        await guardAccount(deps, caller, account.id, { db: trx });
        await deps.invitations.send(trx, caller.actor, account, letterOf(caller, body.language));
      });
      return readAccount(deps, 'person', account.id);
    },
  }),

  withdraw: operation({
    id: 'withdraw_invitation',
    tag,
    summary:
      'Take an invitation back: its link opens nothing any more. The account stays until it is removed',
    method: 'delete',
    path: one,
    anyOf: manage,
    answer: accountSchema,
    async handle(deps, { caller, params }) {
      const account = await requireInvitable(deps, params.user_id ?? '');
      await deps.store.transact(async (trx) => {
        await guardAccount(deps, caller, account.id, { db: trx });
        await deps.invitations.end(trx, account.id);
        await deps.changes.record(trx, caller.actor, {
          subject: 'user',
          id: account.id,
          action: 'invitation_withdrawn',
        });
      });
      return readAccount(deps, 'person', account.id);
    },
  }),
};

function letterOf(caller: Caller, locale: 'en' | 'de' | undefined) {
  return { by: caller.access.user.email, ...(locale && { locale }) };
}

function requireMail({ mail }: AdminDeps): void {
  if (!mail.available) throw refusal('mail_unavailable');
}

/** Finds a person who has not chosen a password yet. @throws Refusal `not_found`, or `has_password` */
async function requireInvitable({ users }: AdminDeps, id: string) {
  const account = await users.findById(id);
  if (account?.kind !== 'person') throw refusal('not_found');
  const known = await users.findByEmail(account.email);
  if (known?.passwordHash !== null || account.status !== 'active') throw refusal('has_password');
  return account;
}
