/** Before somebody leaves: what stops with them, by name and last use, and whom their keys can be given to. */
import type { Account } from '../api/account-document.ts';
import type { AccountOperations } from '../api/account-operations.ts';
import type { DepartureDocument, DepartureOperations } from '../api/departure-operations.ts';
import { simulateOperation } from '../api/simulate-operation.ts';
import { ids } from './account-forms.ts';
import { confirmation } from './confirmation.ts';
import {
  type FormDefinition,
  field,
  fields,
  form,
  type PageDefinition,
  type PageRequest,
  seenVersion,
} from './page.ts';
import { type Block, type Cell, code, muted, text, time } from './page-model.ts';
import { codes } from './words.ts';

const heirsShown = 50;

export interface DeparturePages {
  readonly section: 'users' | 'service-accounts';
  readonly update: PageDefinition['anyOf'][number];
  readonly operations: Pick<AccountOperations, 'get'>;
  readonly departure: DepartureOperations;
}

/** The pages that ask before an account is suspended or removed, with the forms that move its keys. */
export function departurePages({ section, update, operations, departure }: DeparturePages): {
  pages: PageDefinition[];
  forms: FormDefinition[];
} {
  const root = `/admin/${section}`;
  const read = ({ ask, params }: PageRequest): Promise<Account> =>
    ask(operations.get, { params: { ...params, ...ids(params.id ?? '') } });

  const asking = (way: 'suspend' | 'remove'): PageDefinition => ({
    path: `/${section}/:id/${way}`,
    section,
    anyOf: [update],
    async build(request) {
      const { ask, words } = request;
      const { t } = words;
      const account = await read(request);
      const change = { kind: 'user_suspended', user_id: account.id };
      const [impact, leaving] = await Promise.all([
        ask(simulateOperation, { body: { change } }),
        ask(departure.departure, { params: ids(account.id) }),
      ]);
      const removing = way === 'remove';
      return confirmation({
        title: t(removing ? 'admin.leaving.remove_title' : 'admin.account.suspend_title', {
          name: account.email,
        }),
        back: { href: `${root}/${account.id}`, label: account.email },
        lead: t(removing ? 'admin.leaving.remove_text' : 'admin.account.suspend_text'),
        impact,
        before: await leavingBlocks(request, account, leaving, `${root}/${account.id}/${way}/keys`),
        action: `${root}/${account.id}/${way}`,
        hidden: removing ? { version: String(account.version) } : {},
        submit: t(removing ? 'admin.leaving.remove' : 'admin.account.suspend'),
        request,
      });
    },
  });
  const suspend = asking('suspend');
  const remove = asking('remove');

  const moveFrom = (page: PageDefinition, way: 'suspend' | 'remove') =>
    form({
      path: `/${section}/:id/${way}/keys`,
      operation: departure.moveKeys,
      page,
      input: (posted, { id = '' }) => ({
        params: ids(id),
        body: {
          to: field(posted, 'address') || field(posted, 'account'),
          authorization_ids: fields(posted, 'keys'),
        },
      }),
      done: (_, { id = '' }) => `${root}/${id}/${way}`,
    });

  return {
    pages: [suspend, remove],
    forms: [
      moveFrom(suspend, 'suspend'),
      moveFrom(remove, 'remove'),
      form({
        path: `/${section}/:id/remove`,
        operation: departure.remove,
        page: remove,
        input: (posted, { id = '' }) => ({ params: ids(id), version: seenVersion(posted) }),
        done: () => root,
      }),
    ],
  };
}

async function leavingBlocks(
  request: PageRequest,
  account: Account,
  leaving: DepartureDocument,
  action: string,
): Promise<Block[]> {
  const { words } = request;
  const { t, plural } = words;
  const { api_keys: keys, authorizations, clients } = leaving;
  if (keys.length + authorizations.length + clients.length === 0) {
    const cell: Cell = [text(t('admin.leaving.nothing'))];
    return [{ kind: 'facts', facts: [{ term: t('admin.leaving.title'), cell }] }];
  }
  const columns = [t('admin.column.name'), t('admin.leaving.may'), t('admin.column.last_used')];
  const row = (one: DepartureDocument['api_keys'][number]) => ({
    cells: [
      [
        text(one.name, `/admin/authorizations/${one.id}`),
        ...(one.status === 'suspended'
          ? [{ kind: 'badge', text: t('admin.status.suspended'), tone: 'warning' } as const]
          : []),
      ],
      codes(one.capabilities, words),
      one.last_used_at === null
        ? [muted(t('admin.never'))]
        : [time(one.last_used_at), muted(one.last_used_by ?? '')],
    ],
  });
  const table = (title: string, rows: DepartureDocument['api_keys']): Block[] =>
    rows.length === 0 ? [] : [{ kind: 'table', title, columns, rows: rows.map(row), empty: '' }];
  const hidden = leaving.total - keys.length - authorizations.length - clients.length;
  return [
    ...table(t('admin.leaving.keys'), keys),
    ...(keys.length === 0 ? [] : [await moveForm(request, account, keys, action)]),
    ...table(t('admin.leaving.tools'), authorizations),
    ...(clients.length === 0
      ? []
      : [
          {
            kind: 'table',
            title: t('admin.leaving.clients'),
            text: t('admin.leaving.clients_text'),
            columns: [t('admin.column.id'), t('admin.column.name'), t('admin.column.last_used')],
            rows: clients.map(({ id, name, last_used_at: at }) => ({
              cells: [[code(id)], [text(name)], at === null ? [muted(t('admin.never'))] : [time(at)]],
            })),
            empty: '',
          } satisfies Block,
        ]),
    ...(hidden > 0
      ? [
          {
            kind: 'facts',
            facts: [{ term: t('admin.leaving.title'), cell: [text(plural('admin.leaving.more', hidden))] }],
          } satisfies Block,
        ]
      : []),
  ];
}

async function moveForm(
  { deps, words, typed }: PageRequest,
  account: Account,
  keys: DepartureDocument['api_keys'],
  action: string,
): Promise<Block> {
  const { t } = words;
  const accounts = await deps.users.list({ kind: 'service_account', limit: heirsShown });
  const heirs = accounts.filter(({ id, status }) => status === 'active' && id !== account.id);
  const picked = typed?.has('keys') ? fields(typed, 'keys') : keys.map(({ id }) => id);
  return {
    kind: 'form',
    title: t('admin.leaving.move_title'),
    text: t('admin.leaving.move_text'),
    action,
    fields: [
      {
        kind: 'boxes',
        name: 'keys',
        label: t('admin.leaving.keys'),
        boxes: keys.map(({ id, name }) => ({ value: id, label: name, checked: picked.includes(id) })),
      },
      {
        kind: 'menu',
        name: 'account',
        label: t('admin.leaving.service_account'),
        options: heirs.map(({ id, name, email }) => ({ value: id, label: `${name} (${email})` })),
      },
      {
        kind: 'text',
        name: 'address',
        label: t('admin.leaving.person'),
        value: field(typed, 'address'),
        hint: t('admin.leaving.person_hint'),
      },
    ],
    submit: t('admin.leaving.move'),
  };
}
