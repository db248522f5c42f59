/** People and service accounts: list, new, and one account with its tabs Profile, Access and Authorizations. */

import type { Account } from '../api/account-document.ts';
import {
  type AccountOperations,
  serviceAccountOperations,
  userOperations,
} from '../api/account-operations.ts';
import {
  type DepartureOperations,
  serviceAccountDeparture,
  userDeparture,
} from '../api/departure-operations.ts';
import { roleOperations } from '../api/role-operations.ts';
import { simulateOperation } from '../api/simulate-operation.ts';
import { accessBlocks } from './access-tab.ts';
import { accountForms, ids } from './account-forms.ts';
import { authorizationsTab } from './authorization-pages.ts';
import { confirmation } from './confirmation.ts';
import { departurePages } from './departure-pages.ts';
import { firstRolesField } from './first-roles.ts';
import { invitationBlocks, invitedPiece } from './invite-page.ts';
import { field, type PageDefinition, type PageRequest } from './page.ts';
import { type AdminPage, type Block, type Field, text, time } from './page-model.ts';
import { clientsBlocks } from './service-account-clients-blocks.ts';
import { sessionBlocks, sessionForms } from './sessions-tab.ts';
import { listQuery, moreLinks, searchField, statusBadge, titleBadge } from './words.ts';

interface AccountPages {
  readonly section: 'users' | 'service-accounts';
  readonly operations: AccountOperations;
  readonly departure: DepartureOperations;
  readonly see: PageDefinition['anyOf'];
  readonly create: PageDefinition['anyOf'];
  readonly update: PageDefinition['anyOf'][number];
  /** Keys of the catalogue. */
  readonly words: {
    readonly title: string;
    readonly create: string;
    readonly lead: string;
    readonly password: string;
    readonly empty: string;
  };
}

function accountPages({ section, operations, departure, see, create, update, words: keys }: AccountPages) {
  const root = `/admin/${section}`;
  const isPerson = section === 'users';

  const list: PageDefinition = {
    path: `/${section}`,
    section,
    anyOf: see,
    async build({ ask, query, words, caller }) {
      const { t } = words;
      const found = await ask(operations.list, { query: listQuery(query, 'search') });
      const mayCreate = create.some((name) => caller.permissions.has(name));
      return {
        title: t(keys.title),
        lead: t(keys.lead),
        blocks: [
          {
            kind: 'search',
            action: root,
            fields: [searchField(t('admin.search.accounts'), query.search)],
            ...(mayCreate && {
              create: isPerson
                ? { href: `${root}/invite`, label: t('admin.invite.title') }
                : { href: `${root}/new`, label: t(keys.create) },
            }),
          },
          {
            kind: 'table',
            columns: [
              t('admin.column.email'),
              t('admin.column.name'),
              t('admin.column.status'),
              t('admin.column.created'),
            ],
            rows: found.items.map((item) => ({
              cells: [
                [text(item.email, `${root}/${item.id}`)],
                [text(item.name)],
                [statusBadge(item.status, words), ...invitedPiece(item.invited, t)],
                [time(item.created_at)],
              ],
            })),
            empty: t(keys.empty),
          },
          ...moreLinks(root, query, found.next, words),
        ],
      };
    },
  };

  const fresh: PageDefinition = {
    path: `/${section}/new`,
    section,
    anyOf: create,
    async build({ ask, words: { t }, typed }) {
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
          required: true,
        },
        ...(isPerson
          ? [
              {
                kind: 'password' as const,
                name: 'password',
                label: t('admin.account.password'),
                hint: t(keys.password),
              },
            ]
          : []),
        await firstRolesField({ ask, typed }, { t }),
      ];
      return {
        title: t(keys.create),
        back: { href: root, label: t(keys.title) },
        lead: t(keys.lead),
        blocks: [{ kind: 'form', action: `${root}/new`, fields: inputs, submit: t('admin.create') }],
      };
    },
  };

  const frame = (
    account: Account,
    tab: string,
    blocks: readonly Block[],
    { words }: PageRequest,
  ): AdminPage => ({
    title: account.email,
    back: { href: root, label: words.t(keys.title) },
    badge: titleBadge(account.status, words),
    lead: account.name,
    tabs: (
      [
        ['', 'admin.tab.profile'],
        ['/access', 'admin.tab.access'],
        ['/authorizations', 'admin.tab.authorizations'],
        ...(isPerson ? [['/sessions', 'admin.tab.sessions'] as const] : []),
      ] as const
    ).map(([path, label]) => ({
      href: `${root}/${account.id}${path}`,
      label: words.t(label),
      current: path === tab,
    })),
    blocks,
  });
  const read = ({ ask, params }: PageRequest) =>
    ask(operations.get, { params: { ...params, ...ids(params.id ?? '') } });

  const profile: PageDefinition = {
    path: `/${section}/:id`,
    section,
    anyOf: see,
    async build(request) {
      const { words, caller, typed } = request;
      const { t } = words;
      const account = await read(request);
      const home = `${root}/${account.id}`;
      const hidden = { version: String(account.version) };
      const facts: Block = {
        kind: 'facts',
        facts: [
          { term: t('admin.column.id'), cell: [{ kind: 'code', text: account.id }] },
          {
            term: t('admin.account.sign_in'),
            cell: [
              text(
                t(account.has_password ? 'admin.account.with_password' : 'admin.account.without_password'),
              ),
            ],
          },
          { term: t('admin.column.created'), cell: [time(account.created_at)] },
          { term: t('admin.column.changed'), cell: [time(account.updated_at)] },
        ],
      };
      const clients = isPerson ? [] : await clientsBlocks(request, account.id);
      const mayChange = caller.permissions.has(update);
      const invitation = isPerson ? invitationBlocks(account, request, mayChange) : [];
      if (!mayChange) return frame(account, '', [facts, ...invitation, ...clients], request);
      const shown = typed?.has('email') ? typed : undefined;
      return frame(
        account,
        '',
        [
          facts,
          ...invitation,
          {
            kind: 'form',
            title: t('admin.account.edit'),
            action: home,
            hidden,
            fields: [
              {
                kind: 'email',
                name: 'email',
                label: t('admin.column.email'),
                value: shown ? field(shown, 'email') : account.email,
                required: true,
              },
              {
                kind: 'text',
                name: 'name',
                label: t('admin.column.name'),
                value: shown ? field(shown, 'name') : account.name,
                required: true,
              },
            ],
            submit: t('admin.save'),
          },
          ...clients,
          {
            kind: 'form',
            title: t('admin.account.set_password'),
            text: t(keys.password),
            action: `${home}/password`,
            hidden,
            fields: [
              { kind: 'password', name: 'password', label: t('admin.account.password'), required: true },
            ],
            submit: t('admin.account.set_password'),
          },
          {
            kind: 'buttons',
            title: t('admin.account.standing'),
            text: t('admin.account.standing_text'),
            buttons: [
              account.status === 'active'
                ? { action: `${home}/suspend`, label: t('admin.account.suspend'), tone: 'danger', get: true }
                : { action: `${home}/resume`, label: t('admin.account.resume'), tone: 'primary' },
              { action: `${home}/remove`, label: t('admin.leaving.remove'), tone: 'danger', get: true },
              ...(account.has_password
                ? [
                    {
                      action: `${home}/password`,
                      label: t('admin.account.end_password'),
                      hidden: { ...hidden, end: 'yes' },
                    },
                  ]
                : []),
            ],
          },
        ],
        request,
      );
    },
  };

  const access: PageDefinition = {
    path: `/${section}/:id/access`,
    section,
    anyOf: see,
    async build(request) {
      const account = await read(request);
      const mayChange = request.caller.permissions.has(update);
      return frame(account, '/access', await accessBlocks(request, account, root, mayChange), request);
    },
  };

  const authorizations: PageDefinition = {
    path: `/${section}/:id/authorizations`,
    section,
    anyOf: see,
    async build(request) {
      const account = await read(request);
      return frame(account, '/authorizations', await authorizationsTab(request, account), request);
    },
  };

  const sessions: PageDefinition = {
    path: `/${section}/:id/sessions`,
    section,
    anyOf: see,
    async build(request) {
      const account = await read(request);
      const blocks = await sessionBlocks(request, account.id, `${root}/${account.id}`);
      return frame(account, '/sessions', blocks, request);
    },
  };

  const removeRole: PageDefinition = {
    path: `/${section}/:id/remove-role`,
    section,
    anyOf: [update],
    async build(request) {
      const { ask, query, words } = request;
      const { t } = words;
      const account = await read(request);
      const role = await ask(roleOperations.get, { params: { role_id: query.role ?? '' } });
      const place = account.projects.find(({ id }) => id === query.project);
      const change = {
        kind: 'role_unassigned',
        user_id: account.id,
        role_id: role.id,
        project_id: query.project ?? null,
      };
      return confirmation({
        title: t('admin.access.remove_title', {
          role: role.name,
          place: place?.slug ?? t('admin.access.organization'),
        }),
        back: { href: `${root}/${account.id}/access`, label: account.email },
        lead: t('admin.access.remove_text', { name: account.email }),
        impact: await ask(simulateOperation, { body: { change } }),
        action: `${root}/${account.id}/remove-role`,
        hidden: { role: role.id, ...(query.project === undefined ? {} : { project: query.project }) },
        submit: t('admin.access.remove'),
        request,
      });
    },
  };

  const leaving = departurePages({ section, update, operations, departure });
  const forms = [
    ...accountForms({ section, root, operations, pages: { fresh, profile, access } }),
    ...leaving.forms,
  ];
  const pages = [list, fresh, profile, access, authorizations, removeRole, ...leaving.pages];
  if (!isPerson) return { pages, forms, profile };
  return {
    pages: [...pages, sessions],
    forms: [...forms, ...sessionForms(section, root, sessions)],
    profile,
  };
}

export const userPages = accountPages({
  section: 'users',
  operations: userOperations,
  departure: userDeparture,
  see: ['users.manage'],
  create: ['users.manage'],
  update: 'users.manage',
  words: {
    title: 'admin.nav.users',
    create: 'admin.users.create',
    lead: 'admin.users.lead',
    password: 'admin.users.password',
    empty: 'admin.users.empty',
  },
});

export const serviceAccountPages = accountPages({
  section: 'service-accounts',
  operations: serviceAccountOperations,
  departure: serviceAccountDeparture,
  see: ['service-accounts.update', 'service-accounts.create'],
  create: ['service-accounts.create'],
  update: 'service-accounts.update',
  words: {
    title: 'admin.nav.service_accounts',
    create: 'admin.service_accounts.create',
    lead: 'admin.service_accounts.lead',
    password: 'admin.service_accounts.password',
    empty: 'admin.service_accounts.empty',
  },
});
