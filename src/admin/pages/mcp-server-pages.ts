/** MCP servers: the list, a new one, and what switching one off would cut. */

import { mcpServerOperations } from '../api/mcp-server-operations.ts';
import { resourceServerOperations } from '../api/resource-server-operations.ts';
import { simulateOperation } from '../api/simulate-operation.ts';
import { confirmation } from './confirmation.ts';
import { type FormDefinition, field, form, type PageDefinition, seenVersion } from './page.ts';
import { code } from './page-model.ts';
import { projectField, projectOf } from './project-field.ts';
import { listQuery, moreLinks, searchField, statusBadge, titleBadge } from './words.ts';

const servers = '/admin/mcp-servers';
const manage = ['mcp-servers.manage'] as const;

const serverList: PageDefinition = {
  path: '/mcp-servers',
  section: 'mcp-servers',
  anyOf: manage,
  async build({ ask, words, query, deps }) {
    const { t } = words;
    const found = await ask(mcpServerOperations.list, { query: listQuery(query, 'search') });
    const slugs = await deps.worldSource.of({
      projects: found.items.map((server) => server.project_id),
      mcpServers: [],
    });
    return {
      title: t('admin.nav.mcp_servers'),
      lead: t('admin.servers.lead'),
      blocks: [
        {
          kind: 'search',
          action: servers,
          fields: [searchField(t('admin.search.servers'), query.search)],
          create: { href: `${servers}/new`, label: t('admin.servers.create') },
        },
        {
          kind: 'table',
          columns: [
            t('admin.column.name'),
            t('admin.column.project'),
            t('admin.column.resource'),
            t('admin.column.status'),
          ],
          rows: found.items.map((server) => ({
            cells: [
              [code(server.name, `${servers}/${server.id}`)],
              [code(slugs.projects.get(server.project_id)?.slug ?? server.project_id)],
              [code(server.resource)],
              [statusBadge(server.enabled ? 'enabled' : 'disabled', words)],
            ],
          })),
          empty: t('admin.servers.empty'),
        },
        ...moreLinks(servers, query, found.next, words),
      ],
    };
  },
};

const newServer: PageDefinition = {
  path: '/mcp-servers/new',
  section: 'mcp-servers',
  anyOf: manage,
  async build(request) {
    const { ask, typed } = request;
    const { t } = request.words;
    const { items: guards } = await ask(resourceServerOperations.list);
    return {
      title: t('admin.servers.create'),
      back: { href: servers, label: t('admin.nav.mcp_servers') },
      lead: t('admin.servers.new_text'),
      blocks: [
        {
          kind: 'form',
          action: `${servers}/new`,
          fields: [
            {
              kind: 'text',
              name: 'name',
              label: t('admin.column.name'),
              value: field(typed, 'name'),
              hint: t('admin.slug_hint'),
              required: true,
            },
            await projectField(request, {
              name: 'project_id',
              label: t('admin.column.project'),
              value: field(typed, 'project_id'),
            }),
            {
              kind: 'text',
              name: 'resource',
              label: t('admin.column.resource'),
              value: field(typed, 'resource'),
              hint: t('admin.servers.resource_hint'),
              required: true,
            },
            {
              kind: 'menu',
              name: 'resource_server_id',
              label: t('admin.servers.guard'),
              options: [
                { value: '', label: t('admin.none') },
                ...guards.map(({ id, name }) => ({
                  value: id,
                  label: name,
                  selected: field(typed, 'resource_server_id') === id,
                })),
              ],
              hint: t('admin.servers.guard_hint'),
            },
          ],
          submit: t('admin.create'),
        },
      ],
    };
  },
};

const oneServer: PageDefinition = {
  path: '/mcp-servers/:id',
  section: 'mcp-servers',
  anyOf: manage,
  async build({ ask, params, words, typed, deps }) {
    const { t } = words;
    const server = await ask(mcpServerOperations.get, { params: { mcp_server_id: params.id ?? '' } });
    const project = await deps.projects.find(server.project_id);
    const home = `${servers}/${server.id}`;
    const version = { version: String(server.version) };
    return {
      title: server.name,
      back: { href: servers, label: t('admin.nav.mcp_servers') },
      badge: titleBadge(server.enabled ? 'enabled' : 'disabled', words),
      blocks: [
        {
          kind: 'facts',
          facts: [
            { term: t('admin.column.project'), cell: [code(project?.slug ?? server.project_id)] },
            { term: t('admin.column.resource'), cell: [code(server.resource)] },
          ],
        },
        {
          kind: 'form',
          title: t('admin.servers.rename'),
          text: t('admin.servers.rename_text'),
          action: home,
          hidden: version,
          fields: [
            {
              kind: 'text',
              name: 'name',
              label: t('admin.column.name'),
              value: typed ? field(typed, 'name') : server.name,
              required: true,
            },
          ],
          submit: t('admin.save'),
        },
        {
          kind: 'buttons',
          title: t('admin.account.standing'),
          text: t('admin.servers.disable_text'),
          buttons: [
            server.enabled
              ? { action: `${home}/disable`, label: t('admin.disable'), tone: 'danger', get: true }
              : { action: `${home}/enable`, label: t('admin.enable'), hidden: version, tone: 'primary' },
          ],
        },
      ],
    };
  },
};

const disableServer: PageDefinition = {
  path: '/mcp-servers/:id/disable',
  section: 'mcp-servers',
  anyOf: manage,
  async build(request) {
    const { ask, params, words } = request;
    const server = await ask(mcpServerOperations.get, { params: { mcp_server_id: params.id ?? '' } });
    const home = `${servers}/${server.id}`;
    const change = { kind: 'mcp_server_disabled', mcp_server_id: server.id };
    return confirmation({
      title: words.t('admin.servers.disable_title', { name: server.name }),
      back: { href: home, label: server.name },
      lead: words.t('admin.servers.disable_text'),
      impact: await ask(simulateOperation, { body: { change } }),
      action: `${home}/disable`,
      hidden: { version: String(server.version) },
      submit: words.t('admin.disable'),
      request,
    });
  },
};

const switchServer = (action: 'enable' | 'disable'): FormDefinition =>
  form({
    path: `/mcp-servers/:id/${action}`,
    operation: mcpServerOperations.update,
    page: oneServer,
    input: (posted, { id = '' }) => ({
      params: { mcp_server_id: id },
      version: seenVersion(posted),
      body: { enabled: action === 'enable' },
    }),
    done: ({ id }) => `${servers}/${id}`,
  });

const forms: FormDefinition[] = [
  form({
    path: '/mcp-servers/new',
    operation: mcpServerOperations.create,
    page: newServer,
    input: async (posted, _, deps) => {
      const guard = field(posted, 'resource_server_id');
      return {
        body: {
          name: field(posted, 'name'),
          project_id: await projectOf(deps, field(posted, 'project_id')),
          resource: field(posted, 'resource'),
          ...(guard === '' ? {} : { resource_server_id: guard }),
        },
      };
    },
    done: ({ id }) => `${servers}/${id}`,
  }),
  form({
    path: '/mcp-servers/:id',
    operation: mcpServerOperations.update,
    page: oneServer,
    input: (posted, { id = '' }) => ({
      params: { mcp_server_id: id },
      version: seenVersion(posted),
      body: { name: field(posted, 'name') },
    }),
    done: ({ id }) => `${servers}/${id}`,
  }),
  switchServer('enable'),
  switchServer('disable'),
];

export const mcpServerPages = { pages: [serverList, newServer, oneServer, disableServer], forms };
