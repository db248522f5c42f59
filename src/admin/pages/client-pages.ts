/** Clients: who asks for tokens. Verified, disabled and deleted here, registered ones made. */
import { countOfClient } from '../../authorizations/everyones.ts';
import { authorizationOperations } from '../api/authorization-operations.ts';
import { type ClientDocument, clientOperations } from '../api/client-operations.ts';
import { authorizationTable } from './authorization-pages.ts';
import { assertionsBlock, assertionsField, assertionsForm, isAnyTrusted } from './client-assertions.ts';
import { deviceLoginBlock, deviceLoginField, deviceLoginForm } from './client-device-login.ts';
import { documentBlocks } from './client-document.ts';
import { exchangeBlock, exchangeForm } from './client-exchange.ts';
import { refreshGraceBlock, settingsForm } from './client-settings.ts';
import { type FormDefinition, field, form, lines, type PageDefinition, seenVersion } from './page.ts';
import { type Cell, code, text, time } from './page-model.ts';
import { secretPage } from './service-account-clients-blocks.ts';
import { codes, listQuery, moreLinks, searchField, statusBadge, titleBadge } from './words.ts';

const clients = '/admin/clients';
const manage = ['clients.manage'] as const;
/** The most that a warning lists. */
const mostListed = 50;

const kinds = {
  registered: 'admin.clients.registered',
  dynamic: 'admin.clients.dynamic',
  metadata_document: 'admin.clients.metadata_document',
} as const;

const homeOf = (id: string) => `${clients}/${encodeURIComponent(id)}`;
const nameOf = ({ metadata }: ClientDocument) => String(metadata.client_name ?? '');
const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

const clientList: PageDefinition = {
  path: '/clients',
  section: 'clients',
  anyOf: manage,
  async build({ ask, words, query }) {
    const { t } = words;
    const found = await ask(clientOperations.list, { query: listQuery(query, 'search', 'kind') });
    return {
      title: t('admin.nav.clients'),
      lead: t('admin.clients.lead'),
      blocks: [
        {
          kind: 'search',
          action: clients,
          fields: [
            searchField(t('admin.search.clients'), query.search),
            {
              kind: 'menu',
              name: 'kind',
              label: t('admin.column.kind'),
              options: [
                { value: '', label: t('admin.search.every_kind') },
                ...Object.entries(kinds).map(([value, key]) => ({
                  value,
                  label: t(key),
                  selected: query.kind === value,
                })),
              ],
            },
          ],
          create: { href: `${clients}/new`, label: t('admin.clients.create') },
        },
        {
          kind: 'table',
          columns: [
            t('admin.column.id'),
            t('admin.column.name'),
            t('admin.column.kind'),
            t('admin.column.status'),
          ],
          rows: found.items.map((client) => ({
            cells: [
              [code(client.id, homeOf(client.id))],
              [text(nameOf(client))],
              [text(t(kinds[client.kind]))],
              [
                statusBadge(client.verified ? 'verified' : 'unverified', words),
                ...(client.disabled ? [statusBadge('disabled', words)] : []),
              ],
            ],
          })),
          empty: t('admin.clients.empty'),
        },
        ...moreLinks(clients, query, found.next, words),
      ],
    };
  },
};

const newClient: PageDefinition = {
  path: '/clients/new',
  section: 'clients',
  anyOf: manage,
  async build({ words, typed, deps }) {
    const { t } = words;
    return {
      title: t('admin.clients.create'),
      back: { href: clients, label: t('admin.nav.clients') },
      blocks: [
        {
          kind: 'form',
          action: `${clients}/new`,
          fields: [
            {
              kind: 'text',
              name: 'id',
              label: t('admin.column.id'),
              value: field(typed, 'id'),
              hint: t('admin.slug_hint'),
              required: true,
            },
            {
              kind: 'text',
              name: 'client_name',
              label: t('admin.column.name'),
              value: field(typed, 'client_name'),
              hint: t('admin.clients.name_hint'),
              required: true,
            },
            {
              kind: 'lines',
              name: 'redirect_uris',
              label: t('admin.clients.redirects'),
              value: field(typed, 'redirect_uris'),
              hint: t('admin.clients.redirects_hint'),
            },
            deviceLoginField(field(typed, 'device_login') === 'yes', words),
            {
              kind: 'lines',
              name: 'post_logout_redirect_uris',
              label: t('admin.clients.after_sign_out'),
              value: field(typed, 'post_logout_redirect_uris'),
              hint: t('admin.clients.after_sign_out_hint'),
            },
            {
              kind: 'boxes',
              name: 'confidential',
              label: t('admin.clients.secret'),
              boxes: [
                {
                  value: 'yes',
                  label: t('admin.clients.confidential'),
                  checked: typed === undefined || field(typed, 'confidential') === 'yes',
                },
              ],
            },
            ...(isAnyTrusted(deps.assertionIssuers)
              ? [assertionsField(field(typed, 'assertions') === 'yes', words)]
              : []),
          ],
          submit: t('admin.create'),
        },
      ],
    };
  },
};

const oneClient: PageDefinition = {
  path: '/clients/:id',
  section: 'clients',
  anyOf: manage,
  async build({ ask, params, words, deps, caller }) {
    const { t } = words;
    const client = await ask(clientOperations.get, { params: { client_id: params.id ?? '' } });
    const account =
      client.service_account_id === null ? undefined : await deps.users.findById(client.service_account_id);
    const home = homeOf(client.id);
    return {
      title: nameOf(client) || client.id,
      back: { href: clients, label: t('admin.nav.clients') },
      badge: titleBadge(client.disabled ? 'disabled' : client.verified ? 'verified' : 'unverified', words),
      blocks: [
        {
          kind: 'facts',
          facts: [
            { term: t('admin.column.id'), cell: [code(client.id)] },
            { term: t('admin.column.kind'), cell: [text(t(kinds[client.kind]))] },
            { term: t('admin.clients.redirects'), cell: codes(list(client.metadata.redirect_uris), words) },
            ...(list(client.metadata.post_logout_redirect_uris).length === 0
              ? []
              : [
                  {
                    term: t('admin.clients.after_sign_out'),
                    cell: codes(list(client.metadata.post_logout_redirect_uris), words),
                  },
                ]),
            {
              term: t('admin.clients.device_login'),
              cell: [text(t(client.device_login ? 'admin.yes' : 'admin.no'))],
            },
            { term: t('admin.clients.grants'), cell: codes(list(client.metadata.grant_types), words) },
            ...(account
              ? [
                  {
                    term: t('admin.clients.acts_as'),
                    cell: [text(account.email, `/admin/service-accounts/${account.id}`)] as Cell,
                  },
                ]
              : []),
            { term: t('admin.column.created'), cell: [time(client.created_at)] },
            ...(client.document_good_at === null
              ? []
              : [{ term: t('error.last_good'), cell: [time(client.document_good_at)] }]),
          ],
        },
        {
          kind: 'buttons',
          title: t('admin.clients.trust'),
          text: t('admin.clients.trust_text'),
          buttons: [
            client.verified
              ? { action: `${home}/unverify`, label: t('admin.clients.unverify') }
              : { action: `${home}/verify`, label: t('admin.clients.verify'), tone: 'primary' },
            ...(client.has_secret && client.kind === 'registered' && client.service_account_id === null
              ? [{ action: `${home}/secret`, label: t('admin.secret.replace') }]
              : []),
          ],
        },
        ...(await documentBlocks(client, deps, words, {
          policies: caller.permissions.has('policies.manage'),
        })),
        ...refreshGraceBlock(client, words),
        ...exchangeBlock(client, await deps.resourceServers.audiences(), words),
        ...assertionsBlock(client, deps.assertionIssuers, words),
        ...deviceLoginBlock(client, words),
        {
          kind: 'buttons',
          title: t('admin.account.standing'),
          text: t('admin.clients.standing_text'),
          buttons: [
            client.disabled
              ? { action: `${home}/enable`, label: t('admin.enable'), tone: 'primary' }
              : { action: `${home}/stop`, label: t('admin.disable'), get: true },
            { action: `${home}/delete`, label: t('admin.clients.delete'), tone: 'danger', get: true },
          ],
        },
      ],
    };
  },
};

/** A page that says whose authorizations end before a client is disabled or deleted. */
const clientWarning = (path: 'stop' | 'delete'): PageDefinition => ({
  path: `/clients/:id/${path}`,
  section: 'clients',
  anyOf: manage,
  async build(request) {
    const { ask, params, words, caller, deps } = request;
    const { t } = words;
    const client = await ask(clientOperations.get, { params: { client_id: params.id ?? '' } });
    const home = homeOf(client.id);
    const held = caller.permissions.has('users.manage')
      ? await ask(authorizationOperations.list, { query: { client_id: client.id, limit: mostListed } })
      : { items: [], next: null };
    const count = await countOfClient(deps.store.db, client.id);
    const standing = held.items.filter(({ status }) => status !== 'revoked' && status !== 'expired');
    return {
      title: t(path === 'stop' ? 'admin.clients.disable_title' : 'admin.clients.delete_title', {
        name: client.id,
      }),
      back: { href: home, label: client.id },
      lead: t(path === 'stop' ? 'admin.clients.disable_text' : 'admin.clients.delete_text'),
      blocks: [
        {
          ...authorizationTable(standing, words),
          title: t('admin.impact.title'),
          text: words.plural('admin.clients.holds', count),
        },
        {
          kind: 'form',
          action: path === 'stop' ? `${home}/disable` : `${home}/delete`,
          hidden: { version: String(client.version) },
          fields: [],
          submit: t(path === 'stop' ? 'admin.disable' : 'admin.clients.delete'),
          tone: 'danger',
          cancel: home,
        },
      ],
    };
  },
});

const clientSwitch = (action: 'verify' | 'unverify' | 'enable' | 'disable'): FormDefinition =>
  form({
    path: `/clients/:id/${action}`,
    operation: clientOperations[action],
    page: oneClient,
    input: (_, { id = '' }) => ({ params: { client_id: id } }),
    done: ({ id }) => homeOf(id),
  });

const forms: FormDefinition[] = [
  form({
    path: '/clients/new',
    operation: clientOperations.create,
    page: newClient,
    input: (posted) => ({
      body: {
        id: field(posted, 'id'),
        client_name: field(posted, 'client_name'),
        redirect_uris: lines(posted, 'redirect_uris'),
        post_logout_redirect_uris: lines(posted, 'post_logout_redirect_uris'),
        confidential: field(posted, 'confidential') === 'yes',
        device_login: field(posted, 'device_login') === 'yes',
        assertions: field(posted, 'assertions') === 'yes',
      },
    }),
    done: (client, _, words) =>
      client.client_secret === null
        ? homeOf(client.id)
        : secretPage(words, client.id, client.client_secret, homeOf(client.id)),
  }),
  ...(['verify', 'unverify', 'enable', 'disable'] as const).map(clientSwitch),
  settingsForm(oneClient),
  exchangeForm(oneClient),
  assertionsForm(oneClient),
  deviceLoginForm(oneClient),
  form({
    path: '/clients/:id/secret',
    operation: clientOperations.rotateSecret,
    page: oneClient,
    input: (_, { id = '' }) => ({ params: { client_id: id } }),
    done: (client, _, words) => secretPage(words, client.id, client.client_secret ?? '', homeOf(client.id)),
  }),
  form({
    path: '/clients/:id/delete',
    operation: clientOperations.delete,
    page: oneClient,
    input: (posted, { id = '' }) => ({ params: { client_id: id }, version: seenVersion(posted) }),
    done: () => clients,
  }),
];

export const clientPages = {
  pages: [clientList, newClient, oneClient, clientWarning('stop'), clientWarning('delete')],
  forms,
};
