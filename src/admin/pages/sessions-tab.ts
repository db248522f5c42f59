/** A person's tab Sessions: the browsers that they are signed in with, each with its end. */
import { browserLabel } from '../../account/browser-words.ts';
import { sessionOperations } from '../api/session-operations.ts';
import { signInOperations } from '../api/sign-in-operations.ts';
import { type FormDefinition, field, form, type PageDefinition, type PageRequest } from './page.ts';
import { type Block, code, text, time } from './page-model.ts';

/** Builds the tab's blocks. @param home the account's page */
export async function sessionBlocks(
  { ask, words }: PageRequest,
  userId: string,
  home: string,
): Promise<Block[]> {
  const { t } = words;
  const params = { user_id: userId };
  const [{ items }, signIn] = await Promise.all([
    ask(sessionOperations.list, { params }),
    ask(signInOperations.get, { params }),
  ]);
  const hasAny = signIn.second_factor || signIn.passkeys.length > 0;
  const action = `${home}/sessions`;
  return [
    {
      kind: 'table',
      text: t('admin.sessions.text'),
      columns: [
        t('account.security.browser'),
        t('account.security.address'),
        t('account.security.signed_in'),
        t('account.security.last_seen'),
      ],
      rows: items.map((session) => ({
        cells: [
          [text(browserLabel(session.user_agent, words))],
          [code(session.address)],
          [time(session.signed_in_at)],
          [time(session.last_seen_at)],
        ],
        buttons: [{ action, label: t('account.security.end'), hidden: { session: session.id } }],
      })),
      empty: t('admin.sessions.empty'),
      actions: t('admin.column.actions'),
    },
    ...(items.length > 1
      ? [
          {
            kind: 'buttons',
            buttons: [{ action: `${action}/all`, label: t('admin.sessions.end_all'), tone: 'danger' }],
          } as const,
        ]
      : []),
    {
      kind: 'facts',
      title: t('admin.sign_in.title'),
      facts: [
        {
          term: t('account.security.factor_title'),
          cell: [text(t(signIn.second_factor ? 'admin.sign_in.on' : 'admin.sign_in.off'))],
        },
        {
          term: t('account.security.passkeys_title'),
          cell: [text(signIn.passkeys.map(({ name }) => name).join(', ') || t('admin.sign_in.none'))],
        },
      ],
    },
    ...(signIn.upstream_accounts.length > 0
      ? [
          {
            kind: 'table',
            title: t('account.security.upstream_title'),
            columns: [
              t('admin.sign_in.provider'),
              t('admin.sign_in.account'),
              t('account.security.upstream_since'),
              t('account.column.last_used'),
            ],
            rows: signIn.upstream_accounts.map((account) => ({
              cells: [
                [text(account.provider)],
                [text(account.label ?? account.subject)],
                [time(account.linked_at)],
                account.last_used_at === null
                  ? [text(t('account.list.never'))]
                  : [time(account.last_used_at)],
              ],
              buttons: [
                {
                  action: `${home}/upstream-accounts`,
                  label: t('account.security.upstream_unlink', { provider: account.provider }),
                  hidden: { account: account.id },
                },
              ],
            })),
            empty: t('admin.sign_in.none'),
            actions: t('admin.column.actions'),
          } as const,
        ]
      : []),
    ...(hasAny
      ? [
          {
            kind: 'buttons',
            text: t('admin.sign_in.reset_text'),
            buttons: [
              ...(signIn.second_factor
                ? [{ action: `${home}/second-factor`, label: t('admin.sign_in.reset') }]
                : []),
              ...(signIn.passkeys.length > 0
                ? [
                    {
                      action: `${home}/second-factor`,
                      label: t('admin.sign_in.reset_all'),
                      hidden: { passkeys: 'yes' },
                      tone: 'danger' as const,
                    },
                  ]
                : []),
            ],
          } as const,
        ]
      : []),
  ];
}

/** The forms of the tab. */
export function sessionForms(section: string, root: string, page: PageDefinition): FormDefinition[] {
  const done = (_: unknown, { id = '' }: Readonly<Record<string, string>>) => `${root}/${id}/sessions`;
  return [
    form({
      path: `/${section}/:id/sessions`,
      operation: sessionOperations.end,
      page,
      input: (posted, { id = '' }) => ({ params: { user_id: id, session_id: field(posted, 'session') } }),
      done,
    }),
    form({
      path: `/${section}/:id/sessions/all`,
      operation: sessionOperations.endAll,
      page,
      input: (_, { id = '' }) => ({ params: { user_id: id } }),
      done,
    }),
    form({
      path: `/${section}/:id/upstream-accounts`,
      operation: signInOperations.unlink,
      page,
      input: (posted, { id = '' }) => ({ params: { user_id: id, account_id: field(posted, 'account') } }),
      done,
    }),
    form({
      path: `/${section}/:id/second-factor`,
      operation: signInOperations.reset,
      page,
      input: (posted, { id = '' }) => ({
        params: { user_id: id },
        body: { passkeys: field(posted, 'passkeys') === 'yes' },
      }),
      done,
    }),
  ];
}
