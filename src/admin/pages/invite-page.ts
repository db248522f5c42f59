/** Inviting somebody, and what stands on the page of an account that was invited. */
import type { Account } from '../api/account-document.ts';
import { invitationOperations } from '../api/invitation-operations.ts';
import { firstRolesField } from './first-roles.ts';
import { field, fields, form, type PageDefinition, type PageRequest } from './page.ts';
import { type Block, code, type Field, time } from './page-model.ts';

const root = '/admin/users';

const invite: PageDefinition = {
  path: '/users/invite',
  section: 'users',
  anyOf: ['users.manage'],
  async build({ ask, words: { t, locale }, typed, deps }) {
    const inputs: Field[] = [
      {
        kind: 'email',
        name: 'email',
        label: t('admin.column.email'),
        value: field(typed, 'email'),
        required: true,
      },
      {
        kind: 'text',
        name: 'name',
        label: t('admin.column.name'),
        value: field(typed, 'name'),
        hint: t('admin.invite.name_hint'),
      },
      {
        kind: 'menu',
        name: 'language',
        label: t('admin.invite.language'),
        options: (['en', 'de'] as const).map((value) => ({
          value,
          label: t(value === 'en' ? 'admin.invite.english' : 'admin.invite.german'),
          selected: (field(typed, 'language') || locale) === value,
        })),
      },
      await firstRolesField({ ask, typed }, { t }),
    ];
    const without: Block = {
      kind: 'buttons',
      title: t('admin.invite.without_title'),
      text: t('admin.invite.without_text'),
      buttons: [{ action: `${root}/new`, label: t('admin.users.create'), get: true }],
    };
    const asking: Block = {
      kind: 'form',
      action: `${root}/invite`,
      fields: inputs,
      submit: t('admin.invite.submit'),
    };
    return {
      title: t('admin.invite.title'),
      back: { href: root, label: t('admin.nav.users') },
      lead: t(deps.mail.available ? 'admin.invite.lead' : 'admin.problem.mail_unavailable'),
      blocks: deps.mail.available ? [asking, without] : [without],
    };
  },
};

/** What an account's page says of its invitation, with what can be done about it. */
export function invitationBlocks(
  account: Account,
  { words: { t, locale }, deps }: PageRequest,
  mayChange: boolean,
): Block[] {
  const { invitation } = account;
  const home = `${root}/${account.id}/invitation`;
  const send = {
    action: home,
    label: t(invitation ? 'admin.invite.again' : 'admin.invite.submit'),
    hidden: { language: locale },
    tone: 'primary',
  } as const;
  if (!invitation) {
    const invitable = !account.has_password && account.kind === 'person' && account.status === 'active';
    if (!invitable || !mayChange || !deps.mail.available) return [];
    const text = t('admin.invite.not_yet');
    return [{ kind: 'buttons', title: t('admin.invite.block'), text, buttons: [send] }];
  }
  const ended = invitation.expires_at <= deps.clock.now();
  const facts: Block = {
    kind: 'facts',
    title: t('admin.invite.block'),
    facts: [
      {
        term: t('admin.invite.sent'),
        cell: [
          time(invitation.sent_at),
          ...(invitation.mail === 'failed'
            ? [{ kind: 'badge', text: t('admin.invite.failed'), tone: 'danger' } as const]
            : invitation.mail === 'waiting'
              ? [{ kind: 'badge', text: t('admin.invite.waiting'), tone: 'plain' } as const]
              : []),
        ],
      },
      {
        term: t('admin.invite.until'),
        cell: ended
          ? [{ kind: 'badge', text: t('admin.status.expired'), tone: 'warning' }]
          : [time(invitation.expires_at)],
      },
      ...(invitation.mail_file === null
        ? []
        : [{ term: t('admin.invite.file'), cell: [code(invitation.mail_file)] }]),
    ],
  };
  if (!mayChange) return [facts];
  return [
    facts,
    {
      kind: 'buttons',
      text: t('admin.invite.again_text'),
      buttons: [
        ...(deps.mail.available ? [send] : []),
        { action: `${home}/withdraw`, label: t('admin.invite.withdraw') },
      ],
    },
  ];
}

/** What a list says of an account that was invited. */
export function invitedPiece(invited: boolean, t: (key: string) => string) {
  return invited ? [{ kind: 'badge', text: t('admin.status.invited'), tone: 'accent' } as const] : [];
}

/** The page and the forms of invitations. @param profile the page of one account */
export function invitePages(profile: PageDefinition) {
  const home = ({ id }: { id: string }) => `${root}/${id}`;
  return {
    pages: [invite],
    forms: [
      form({
        path: '/users/invite',
        operation: invitationOperations.invite,
        page: invite,
        input: (posted) => ({
          body: {
            email: field(posted, 'email'),
            ...(field(posted, 'name') === '' ? {} : { name: field(posted, 'name') }),
            ...(field(posted, 'language') === '' ? {} : { language: field(posted, 'language') }),
            role_ids: fields(posted, 'role_ids'),
          },
        }),
        done: home,
      }),
      form({
        path: '/users/:id/invitation',
        operation: invitationOperations.send,
        page: profile,
        input: (posted, { id = '' }) => ({
          params: { user_id: id },
          body: field(posted, 'language') === '' ? {} : { language: field(posted, 'language') },
        }),
        done: home,
      }),
      form({
        path: '/users/:id/invitation/withdraw',
        operation: invitationOperations.withdraw,
        page: profile,
        input: (_, { id = '' }) => ({ params: { user_id: id } }),
        done: home,
      }),
    ],
  };
}
