/** Resource servers: who asks about tokens. Their secrets are shown once, on the page after the form. */
import { resourceServerOperations } from '../api/resource-server-operations.ts';
import { eventReceiverBlocks, eventReceiverForms } from './event-receiver-blocks.ts';
import { type FormDefinition, field, form, lines, type PageDefinition, seenVersion } from './page.ts';
import { code } from './page-model.ts';
import { resourceServerProofBlock, resourceServerProofForm } from './resource-server-proof.ts';
import { secretPage } from './service-account-clients-blocks.ts';
import { codes, statusBadge, titleBadge } from './words.ts';

const guards = '/admin/resource-servers';
const manage = ['clients.manage'] as const;

const guardList: PageDefinition = {
  path: '/resource-servers',
  section: 'resource-servers',
  anyOf: manage,
  async build({ ask, words }) {
    const { t } = words;
    const { items } = await ask(resourceServerOperations.list);
    return {
      title: t('admin.nav.resource_servers'),
      lead: t('admin.guards.lead'),
      blocks: [
        {
          kind: 'buttons',
          buttons: [{ action: `${guards}/new`, label: t('admin.guards.create'), get: true, tone: 'primary' }],
        },
        {
          kind: 'table',
          columns: [t('admin.column.name'), t('admin.guards.audiences'), t('admin.column.status')],
          rows: items.map((server) => ({
            cells: [
              [code(server.name, `${guards}/${server.id}`)],
              codes(server.audiences, words),
              [statusBadge(server.disabled ? 'disabled' : 'enabled', words)],
            ],
          })),
          empty: t('admin.guards.empty'),
        },
      ],
    };
  },
};

const newGuard: PageDefinition = {
  path: '/resource-servers/new',
  section: 'resource-servers',
  anyOf: manage,
  async build({ words: { t }, typed }) {
    return {
      title: t('admin.guards.create'),
      back: { href: guards, label: t('admin.nav.resource_servers') },
      lead: t('admin.guards.lead'),
      blocks: [
        {
          kind: 'form',
          action: `${guards}/new`,
          fields: [
            {
              kind: 'text',
              name: 'name',
              label: t('admin.column.name'),
              value: field(typed, 'name'),
              hint: t('admin.guards.name_hint'),
              required: true,
            },
            {
              kind: 'lines',
              name: 'audiences',
              label: t('admin.guards.audiences'),
              value: field(typed, 'audiences'),
              hint: t('admin.one_a_line'),
              required: true,
            },
          ],
          submit: t('admin.create'),
        },
      ],
    };
  },
};

const oneGuard: PageDefinition = {
  path: '/resource-servers/:id',
  section: 'resource-servers',
  anyOf: manage,
  async build(request) {
    const { ask, params, words, typed, deps } = request;
    const { t } = words;
    const server = await ask(resourceServerOperations.get, {
      params: { resource_server_id: params.id ?? '' },
    });
    const home = `${guards}/${server.id}`;
    return {
      title: server.name,
      back: { href: guards, label: t('admin.nav.resource_servers') },
      badge: titleBadge(server.disabled ? 'disabled' : 'enabled', words),
      blocks: [
        {
          kind: 'form',
          title: t('admin.guards.audiences'),
          text: t('admin.guards.audiences_text'),
          action: home,
          hidden: { version: String(server.version) },
          fields: [
            {
              kind: 'lines',
              name: 'audiences',
              label: t('admin.guards.audiences'),
              value: typed?.has('audiences') ? field(typed, 'audiences') : server.audiences.join('\n'),
              hint: t('admin.one_a_line'),
              required: true,
            },
          ],
          submit: t('admin.save'),
        },
        {
          kind: 'buttons',
          title: t('admin.account.standing'),
          text: t('admin.guards.standing_text'),
          buttons: [
            { action: `${home}/secret`, label: t('admin.secret.replace') },
            server.disabled
              ? { action: `${home}/enable`, label: t('admin.enable'), tone: 'primary' }
              : { action: `${home}/disable`, label: t('admin.disable'), tone: 'danger' },
          ],
        },
        resourceServerProofBlock(request, server, home),
        ...eventReceiverBlocks(await deps.eventReceivers.find(server.id), home, words),
      ],
    };
  },
};

const guardSwitch = (action: 'enable' | 'disable'): FormDefinition =>
  form({
    path: `/resource-servers/:id/${action}`,
    operation: resourceServerOperations[action],
    page: oneGuard,
    input: (_, { id = '' }) => ({ params: { resource_server_id: id } }),
    done: ({ id }) => `${guards}/${id}`,
  });

const forms: FormDefinition[] = [
  form({
    path: '/resource-servers/new',
    operation: resourceServerOperations.create,
    page: newGuard,
    input: (posted) => ({ body: { name: field(posted, 'name'), audiences: lines(posted, 'audiences') } }),
    done: ({ id, name, secret }, _, words) => secretPage(words, name, secret, `${guards}/${id}`),
  }),
  form({
    path: '/resource-servers/:id',
    operation: resourceServerOperations.update,
    page: oneGuard,
    input: (posted, { id = '' }) => ({
      params: { resource_server_id: id },
      version: seenVersion(posted),
      body: { audiences: lines(posted, 'audiences') },
    }),
    done: ({ id }) => `${guards}/${id}`,
  }),
  form({
    path: '/resource-servers/:id/secret',
    operation: resourceServerOperations.rotateSecret,
    page: oneGuard,
    input: (_, { id = '' }) => ({ params: { resource_server_id: id } }),
    done: ({ id, name, secret }, _, words) => secretPage(words, name, secret, `${guards}/${id}`),
  }),
  resourceServerProofForm(oneGuard, guards),
  guardSwitch('enable'),
  guardSwitch('disable'),
  ...eventReceiverForms(oneGuard, guards),
];

export const resourceServerPages = { pages: [guardList, newGuard, oneGuard], forms };
