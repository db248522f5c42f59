/** Roles: the list, a new one, and the page where one is configured, "Can create API keys" on its own. */
import { managementPermissions } from '../../directory/management-permissions.ts';
import type { Form } from '../../http/read-form.ts';
import type { Catalogue } from '../../policy/vocabulary.ts';
import { type RoleDocument, roleOperations } from '../api/role-operations.ts';
import { simulateOperation } from '../api/simulate-operation.ts';
import {
  type FormDefinition,
  field,
  fields,
  form,
  type PageDefinition,
  type PageRequest,
  seenVersion,
} from './page.ts';
import { type AdminPage, type Block, code, type Field, text } from './page-model.ts';
import { codes, impactBlocks, permissionLabel, statusBadge, titleBadge } from './words.ts';

const root = '/admin/roles';
const section = 'roles';
const see = ['roles.update', 'roles.create', 'users.manage'] as const;
/** Has a box of its own: whoever makes a role has to think about it. */
const createKeys = 'api-keys.create';

const list: PageDefinition = {
  path: '/roles',
  section,
  anyOf: see,
  async build({ ask, words, caller }) {
    const { t } = words;
    const { items } = await ask(roleOperations.list);
    return {
      title: t('admin.nav.roles'),
      lead: t('admin.roles.lead'),
      blocks: [
        ...(caller.permissions.has('roles.create')
          ? [
              {
                kind: 'buttons' as const,
                buttons: [
                  {
                    action: `${root}/new`,
                    label: t('admin.roles.create'),
                    get: true,
                    tone: 'primary' as const,
                  },
                ],
              },
            ]
          : []),
        {
          kind: 'table',
          columns: [
            t('admin.column.role'),
            t('admin.column.kind'),
            t('admin.roles.capabilities'),
            t('admin.roles.create_keys'),
          ],
          rows: items.map((role) => ({
            cells: [
              [text(role.name, `${root}/${role.id}`), code(role.slug)],
              [statusBadge(role.built_in ? 'built_in' : 'custom', words)],
              codes(capabilitiesOf(role), words),
              [text(t(role.can_create_api_keys ? 'admin.yes' : 'admin.no'))],
            ],
          })),
          empty: '',
        },
      ],
    };
  },
};

const fresh: PageDefinition = {
  path: '/roles/new',
  section,
  anyOf: ['roles.create'],
  async build(request) {
    const { t } = request.words;
    const { typed } = request;
    return {
      title: t('admin.roles.create'),
      back: { href: root, label: t('admin.nav.roles') },
      blocks: [
        {
          kind: 'form',
          action: `${root}/new`,
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
            ...permissionFields(request, typed ? fields(typed, 'permissions') : []),
          ],
          submit: t('admin.create'),
        },
      ],
    };
  },
};

const one: PageDefinition = {
  path: '/roles/:id',
  section,
  anyOf: see,
  async build(request) {
    const { ask, params, words, caller, typed } = request;
    const { t } = words;
    const role = await ask(roleOperations.get, { params: { role_id: params.id ?? '' } });
    const frame = (blocks: readonly Block[]): AdminPage => ({
      title: role.name,
      back: { href: root, label: t('admin.nav.roles') },
      badge: titleBadge(role.built_in ? 'built_in' : 'custom', words),
      ...(role.built_in && { lead: t('admin.roles.built_in') }),
      blocks,
    });
    if (role.built_in || !caller.permissions.has('roles.update')) {
      return frame([
        {
          kind: 'facts',
          facts: [
            { term: t('admin.column.slug'), cell: [code(role.slug)] },
            {
              term: t('admin.roles.create_keys'),
              cell: [text(t(role.can_create_api_keys ? 'admin.yes' : 'admin.no'))],
            },
            { term: t('admin.roles.capabilities'), cell: codes(capabilitiesOf(role), words) },
            { term: t('admin.access.management'), cell: codes(role.permissions.filter(isManagement), words) },
          ],
        },
      ]);
    }
    const home = `${root}/${role.id}`;
    return frame([
      {
        kind: 'form',
        action: home,
        hidden: { version: String(role.version) },
        text: t('admin.roles.follow'),
        fields: [
          {
            kind: 'text',
            name: 'name',
            label: t('admin.column.name'),
            value: typed ? field(typed, 'name') : role.name,
            required: true,
          },
          ...permissionFields(request, typed ? fields(typed, 'permissions') : role.permissions),
        ],
        submit: t('admin.save'),
      },
      {
        kind: 'buttons',
        title: t('admin.roles.delete'),
        text: t('admin.roles.delete_text'),
        buttons: [
          {
            action: `${home}/delete`,
            label: t('admin.delete'),
            hidden: { version: String(role.version) },
            tone: 'danger',
          },
        ],
      },
    ]);
  },
};

const forms: FormDefinition[] = [
  form({
    path: '/roles/new',
    operation: roleOperations.create,
    page: fresh,
    input: (posted) => ({
      body: {
        slug: field(posted, 'slug'),
        name: field(posted, 'name'),
        permissions: fields(posted, 'permissions'),
      },
    }),
    done: ({ id }) => `${root}/${id}`,
  }),
  form({
    path: '/roles/:id',
    operation: roleOperations.update,
    page: one,
    input: (posted, { id = '' }) => ({
      params: { role_id: id },
      version: seenVersion(posted),
      body: { name: field(posted, 'name'), permissions: fields(posted, 'permissions') },
    }),
    before: warnOfCuts,
    done: ({ id }) => `${root}/${id}`,
  }),
  form({
    path: '/roles/:id/delete',
    operation: roleOperations.delete,
    page: one,
    input: (posted, { id = '' }) => ({ params: { role_id: id }, version: seenVersion(posted) }),
    done: () => root,
  }),
];

/** Shows what a change would cut, once; the page's own form then carries the whole change. */
async function warnOfCuts(request: PageRequest, posted: Form): Promise<AdminPage | undefined> {
  if (posted.has('confirmed') || !request.caller.permissions.has('roles.update')) return undefined;
  const { ask, params, words } = request;
  const role = await ask(roleOperations.get, { params: { role_id: params.id ?? '' } });
  const permissions = fields(posted, 'permissions');
  const change = { kind: 'role_changed', role_id: role.id, permissions };
  const impact = await ask(simulateOperation, { body: { change } });
  if (role.built_in || impact.authorizations === 0) return undefined;
  const home = `${root}/${role.id}`;
  return {
    title: words.t('admin.roles.change_title', { name: role.name }),
    back: { href: home, label: role.name },
    blocks: [
      ...impactBlocks(impact, words),
      {
        kind: 'form',
        action: home,
        hidden: { version: field(posted, 'version'), name: field(posted, 'name'), confirmed: 'yes' },
        fields: [
          {
            kind: 'boxes',
            name: 'permissions',
            label: words.t('admin.roles.permissions_after'),
            boxes: permissions.map((name) => ({ value: name, label: name, checked: true })),
          },
        ],
        submit: words.t('admin.save'),
        tone: 'danger',
        cancel: home,
      },
    ],
  };
}

/** The boxes of a role: only what the caller holds can be added. */
function permissionFields({ deps, words, caller }: PageRequest, checked: readonly string[]): Field[] {
  const { t } = words;
  const box = (name: string, label: string, plain = false) => ({
    value: name,
    label,
    ...(plain ? {} : { code: name }),
    checked: checked.includes(name),
    fixed: !caller.permissions.has(name) && !checked.includes(name),
  });
  return [
    {
      kind: 'boxes',
      name: 'permissions',
      label: t('admin.nav.keys'),
      boxes: [box(createKeys, t('admin.roles.can_create_keys'), true)],
      hint: t('admin.roles.can_create_keys_hint'),
    },
    {
      kind: 'boxes',
      name: 'permissions',
      label: t('admin.roles.capabilities'),
      boxes: [...titles(deps.catalogue)].map(([name, title]) => box(name, title)),
    },
    {
      kind: 'boxes',
      name: 'permissions',
      label: t('admin.access.management'),
      boxes: managementPermissions
        .filter((name) => name !== createKeys)
        .map((name) => box(name, permissionLabel(name, words))),
      hint: t('admin.roles.management_hint'),
    },
  ];
}

const titles = (catalogue: Catalogue) => [...catalogue].map(([name, { title }]) => [name, title] as const);
const isManagement = (name: string) => managementPermissions.some((other) => other === name);
const capabilitiesOf = ({ permissions }: RoleDocument) => permissions.filter((name) => !isManagement(name));

export const rolePages = { pages: [list, fresh, one], forms };
