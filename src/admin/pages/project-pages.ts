/** Projects: the list, a new one, and what deleting one would cut. */

import { projectOperations } from '../api/project-operations.ts';
import { simulateOperation } from '../api/simulate-operation.ts';
import { confirmation } from './confirmation.ts';
import { type FormDefinition, field, form, type PageDefinition, seenVersion } from './page.ts';
import { code, text } from './page-model.ts';
import { listQuery, moreLinks, searchField, statusBadge } from './words.ts';

const projects = '/admin/projects';
const manage = ['projects.manage'] as const;

const projectList: PageDefinition = {
  path: '/projects',
  section: 'projects',
  anyOf: manage,
  async build({ ask, words, query }) {
    const { t } = words;
    const found = await ask(projectOperations.list, { query: listQuery(query, 'search') });
    return {
      title: t('admin.nav.projects'),
      lead: t('admin.projects.lead'),
      blocks: [
        {
          kind: 'search',
          action: projects,
          fields: [searchField(t('admin.search.projects'), query.search)],
          create: { href: `${projects}/new`, label: t('admin.projects.create') },
        },
        {
          kind: 'table',
          columns: [t('admin.column.slug'), t('admin.column.name')],
          rows: found.items.map(({ id, slug, name }) => ({
            cells: [[code(slug, `${projects}/${id}`)], [text(name)]],
          })),
          empty: t('admin.projects.empty'),
        },
        ...moreLinks(projects, query, found.next, words),
      ],
    };
  },
};

const newProject: PageDefinition = {
  path: '/projects/new',
  section: 'projects',
  anyOf: manage,
  async build({ words: { t }, typed }) {
    return {
      title: t('admin.projects.create'),
      back: { href: projects, label: t('admin.nav.projects') },
      lead: t('admin.projects.new_text'),
      blocks: [
        {
          kind: 'form',
          action: `${projects}/new`,
          fields: [
            {
              kind: 'text',
              name: 'slug',
              label: t('admin.column.slug'),
              value: field(typed, 'slug'),
              hint: t('admin.slug_hint'),
              required: true,
            },
            {
              kind: 'text',
              name: 'name',
              label: t('admin.column.name'),
              value: field(typed, 'name'),
              required: true,
            },
          ],
          submit: t('admin.create'),
        },
      ],
    };
  },
};

const oneProject: PageDefinition = {
  path: '/projects/:id',
  section: 'projects',
  anyOf: manage,
  async build({ ask, params, words, typed }) {
    const { t } = words;
    const project = await ask(projectOperations.get, { params: { project_id: params.id ?? '' } });
    const home = `${projects}/${project.id}`;
    return {
      title: project.slug,
      back: { href: projects, label: t('admin.nav.projects') },
      lead: project.name,
      blocks: [
        {
          kind: 'form',
          title: t('admin.projects.edit'),
          text: t('admin.projects.edit_text'),
          action: home,
          hidden: { version: String(project.version) },
          fields: [
            {
              kind: 'text',
              name: 'slug',
              label: t('admin.column.slug'),
              value: typed ? field(typed, 'slug') : project.slug,
              required: true,
            },
            {
              kind: 'text',
              name: 'name',
              label: t('admin.column.name'),
              value: typed ? field(typed, 'name') : project.name,
              required: true,
            },
          ],
          submit: t('admin.save'),
        },
        {
          kind: 'table',
          title: t('admin.projects.members'),
          text: t('admin.projects.members_text'),
          columns: [t('admin.column.email'), t('admin.column.role')],
          rows: project.members.map((member) => ({ cells: [[text(member.email)], [text(member.role)]] })),
          empty: t('admin.projects.no_members'),
        },
        {
          kind: 'table',
          title: t('admin.nav.mcp_servers'),
          columns: [t('admin.column.name'), t('admin.column.status')],
          rows: project.mcp_servers.map((server) => ({
            cells: [[code(server.name)], [statusBadge(server.enabled ? 'enabled' : 'disabled', words)]],
          })),
          empty: t('admin.servers.empty'),
        },
        {
          kind: 'buttons',
          title: t('admin.projects.delete'),
          text: t('admin.projects.delete_text'),
          buttons: [
            { action: `${home}/delete`, label: t('admin.projects.delete'), tone: 'danger', get: true },
          ],
        },
      ],
    };
  },
};

const deleteProject: PageDefinition = {
  path: '/projects/:id/delete',
  section: 'projects',
  anyOf: manage,
  async build(request) {
    const { ask, params, words } = request;
    const project = await ask(projectOperations.get, { params: { project_id: params.id ?? '' } });
    const home = `${projects}/${project.id}`;
    return confirmation({
      title: words.t('admin.projects.delete_title', { name: project.slug }),
      back: { href: home, label: project.slug },
      lead: words.t('admin.projects.delete_text'),
      impact: await ask(simulateOperation, {
        body: { change: { kind: 'project_deleted', project_id: project.id } },
      }),
      action: `${home}/delete`,
      hidden: { version: String(project.version) },
      submit: words.t('admin.projects.delete'),
      request,
    });
  },
};

const forms: FormDefinition[] = [
  form({
    path: '/projects/new',
    operation: projectOperations.create,
    page: newProject,
    input: (posted) => ({ body: { slug: field(posted, 'slug'), name: field(posted, 'name') } }),
    done: ({ id }) => `${projects}/${id}`,
  }),
  form({
    path: '/projects/:id',
    operation: projectOperations.update,
    page: oneProject,
    input: (posted, { id = '' }) => ({
      params: { project_id: id },
      version: seenVersion(posted),
      body: { slug: field(posted, 'slug'), name: field(posted, 'name') },
    }),
    done: ({ id }) => `${projects}/${id}`,
  }),
  form({
    path: '/projects/:id/delete',
    operation: projectOperations.delete,
    page: oneProject,
    input: (posted, { id = '' }) => ({ params: { project_id: id }, version: seenVersion(posted) }),
    done: () => projects,
  }),
];

export const projectPages = { pages: [projectList, newProject, oneProject, deleteProject], forms };
