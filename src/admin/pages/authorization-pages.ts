/** Everybody's authorizations: found, looked into, paused and ended; `why` answers on the page itself. */
import type { Words } from '../../http/messages.ts';
import { capabilityWords } from '../../interaction/capability-words.ts';
import { displayText } from '../../interaction/display-text.ts';
import type { World } from '../../policy/vocabulary.ts';
import { additionOperations } from '../api/addition-operations.ts';
import type { AuthorizationDocument, AuthorizationSummary } from '../api/authorization-document.ts';
import { authorizationOperations as operations } from '../api/authorization-operations.ts';
import { handedOnBlocks, nameCell, parentFacts } from './handed-on-blocks.ts';
import { type FormDefinition, form, type PageDefinition, type PageRequest } from './page.ts';
import { type Block, type Cell, code, text, time } from './page-model.ts';
import { longestMenu } from './project-field.ts';
import { addressOf, codes, listQuery, moreLinks, searchField, statusBadge, titleBadge } from './words.ts';

const root = '/admin/authorizations';
const section = 'authorizations';
/** Where keys are made, for oneself and for others. */
const newKeyHref = '/account/api-keys/new';
const manage = ['users.manage', 'api-keys.manage'] as const;

/** A table of authorizations. Pure. */
export function authorizationTable(
  items: readonly AuthorizationSummary[],
  words: Words,
): Extract<Block, { kind: 'table' }> {
  const { t } = words;
  return {
    kind: 'table',
    columns: [
      t('admin.column.tool'),
      t('admin.column.owner'),
      t('admin.column.kind'),
      t('admin.column.status'),
      t('admin.authorizations.capabilities'),
      t('admin.column.last_used'),
    ],
    rows: items.map((one) => ({
      cells: [
        nameCell(one, words),
        [text(one.username)],
        [text(t(one.kind === 'api_key' ? 'admin.authorizations.api_key' : 'admin.authorizations.grant'))],
        [statusBadge(one.status, words)],
        one.follows_owner
          ? [text(t('admin.authorizations.follows'))]
          : one.parent_id !== null && one.capabilities.length === 0
            ? [text(t('admin.authorizations.handed_on_whole'))]
            : codes(one.capabilities, words),
        [one.last_used_at === null ? text(t('admin.never')) : time(one.last_used_at)],
      ],
    })),
    empty: t('admin.authorizations.empty'),
  };
}

/** The Authorizations tab of an account. */
export async function authorizationsTab(
  { ask, words, caller, query, params }: PageRequest,
  { id: userId, email: owner }: { readonly id: string; readonly email: string },
): Promise<Block[]> {
  if (!manage.some((name) => caller.permissions.has(name))) {
    return [{ kind: 'buttons', text: words.t('admin.authorizations.hidden'), buttons: [] }];
  }
  const found = await ask(operations.list, { query: { ...listQuery(query), user_id: userId } });
  const base = `/admin/users/${params.id ?? ''}/authorizations`;
  const newKey: Block = {
    kind: 'buttons',
    text: words.t('admin.authorizations.new_key_text'),
    buttons: [
      {
        action: addressOf(newKeyHref, { owner: userId }),
        label: words.t('admin.authorizations.new_key_for', { owner }),
        get: true,
      },
    ],
  };
  return [
    ...(caller.permissions.has('api-keys.manage') ? [newKey] : []),
    authorizationTable(found.items, words),
    ...moreLinks(base, query, found.next, words),
  ];
}

const list: PageDefinition = {
  path: '/authorizations',
  section,
  anyOf: manage,
  async build({ ask, words, query, caller }) {
    const { t } = words;
    const found = await ask(operations.list, {
      query: listQuery(query, 'search', 'kind', 'status', 'client_id'),
    });
    const menu = (
      name: 'kind' | 'status',
      label: string,
      every: string,
      options: readonly (readonly [string, string])[],
    ) => ({
      kind: 'menu' as const,
      name,
      label,
      options: [
        { value: '', label: every },
        ...options.map(([value, shown]) => ({ value, label: shown, selected: query[name] === value })),
      ],
    });
    return {
      title: t('admin.nav.authorizations'),
      lead: t('admin.authorizations.lead'),
      blocks: [
        {
          kind: 'search',
          action: root,
          ...(caller.permissions.has('api-keys.manage') && {
            create: { href: newKeyHref, label: t('admin.authorizations.new_key') },
          }),
          fields: [
            searchField(t('admin.search.authorizations'), query.search),
            menu('kind', t('admin.column.kind'), t('admin.search.every_kind'), [
              ['oauth2', t('admin.authorizations.grant')],
              ['api_key', t('admin.authorizations.api_key')],
            ]),
            menu('status', t('admin.column.status'), t('admin.search.every_status'), [
              ['active', t('admin.status.active')],
              ['suspended', t('admin.status.suspended')],
              ['revoked', t('admin.status.revoked')],
            ]),
          ],
        },
        authorizationTable(found.items, words),
        ...moreLinks(root, query, found.next, words),
      ],
    };
  },
};

const one: PageDefinition = {
  path: '/authorizations/:id',
  section,
  anyOf: manage,
  async build(request) {
    const { ask, params, words, deps, caller } = request;
    const { t } = words;
    const found = await ask(operations.get, { params: { authorization_id: params.id ?? '' } });
    const home = `${root}/${found.id}`;
    const world = await deps.worldSource.of({
      projects: [found, ...found.additions].flatMap(({ projects }) => projects.map(({ id }) => id)),
      mcpServers: [found, ...found.additions].flatMap(({ mcp_server_ids }) => mcp_server_ids),
    });
    const followsParent = found.parent_id !== null && found.capabilities.length === 0;
    const granted: Cell =
      found.follows_owner || followsParent
        ? [text(t(followsParent ? 'admin.authorizations.handed_on_whole' : 'admin.authorizations.follows'))]
        : codes(
            [
              ...found.capabilities,
              ...found.projects.map(({ id }) => world.projects.get(id)?.slug ?? id),
              ...found.mcp_server_ids.map((id) => world.mcpServers.get(id)?.name ?? id),
            ],
            words,
          );
    const places = [...found.effective.projects, ...found.effective.mcp_servers];
    return {
      title: found.name ?? found.client_id ?? found.id,
      back: { href: root, label: t('admin.nav.authorizations') },
      badge: titleBadge(found.status, words),
      blocks: [
        {
          kind: 'facts',
          facts: [
            { term: t('admin.column.id'), cell: [code(found.id)] },
            { term: t('admin.column.owner'), cell: [text(found.username)] },
            ...parentFacts(found, words),
            { term: t('admin.column.created'), cell: [time(found.created_at)] },
            {
              term: t('admin.authorizations.expires'),
              cell: [found.expires_at === null ? text(t('admin.never')) : time(found.expires_at)],
            },
            { term: t('admin.authorizations.granted'), cell: granted },
          ],
        },
        {
          kind: 'facts',
          title: t('admin.authorizations.effective'),
          facts: [
            { term: t('admin.access.organization'), cell: codes(found.effective.capabilities, words) },
            ...places.map(({ name, actions }) => ({ term: name, cell: codes(actions, words) })),
          ],
        },
        ...additionBlocks(found, world, words),
        ...handedOnBlocks(found, words),
        ...(await whyBlocks(request, found)),
        ...(found.status === 'revoked' || found.status === 'expired'
          ? []
          : [
              {
                kind: 'buttons' as const,
                title: t('admin.account.standing'),
                text: t('admin.authorizations.standing_text'),
                buttons: [
                  ...(found.status === 'active'
                    ? [{ action: `${home}/suspend`, label: t('admin.account.suspend') }]
                    : []),
                  ...(found.status === 'suspended' &&
                  found.kind === 'api_key' &&
                  caller.permissions.has('api-keys.manage')
                    ? [
                        {
                          action: `${home}/resume`,
                          label: t('admin.account.resume'),
                          tone: 'primary' as const,
                        },
                      ]
                    : []),
                  {
                    action: `${home}/revoke`,
                    label: t('admin.authorizations.revoke'),
                    tone: 'danger' as const,
                  },
                ],
              },
            ]),
      ],
    };
  },
};

/** What it grants for a while, each with the button that ends it. */
function additionBlocks(found: AuthorizationDocument, world: World, { t, list, exact }: Words): Block[] {
  return found.additions.map((addition): Block => {
    const items = [
      ...addition.capabilities,
      ...addition.projects.map(({ id }) => world.projects.get(id)?.slug ?? id),
      ...addition.mcp_server_ids.map((id) => displayText(world.mcpServers.get(id)?.name ?? id)),
    ];
    const until = exact(addition.ends_at);
    return {
      kind: 'buttons',
      title: t('admin.authorizations.until', { until }),
      text: list(items),
      buttons: [
        {
          action: `${root}/${found.id}/additions/${addition.id}/end`,
          label: t('admin.authorizations.end_addition'),
        },
      ],
    };
  });
}

const endAddition: FormDefinition = form({
  path: '/authorizations/:id/additions/:addition/end',
  operation: additionOperations.end,
  page: one,
  input: (_, { id = '', addition = '' }) => ({
    params: { authorization_id: id, addition_id: addition },
  }),
  done: ({ id }) => `${root}/${id}`,
});

/** Keys of the sentence for each clause of the rule. */
const rules: Readonly<Record<string, string>> = {
  holds: 'admin.rule.holds',
  implied: 'admin.rule.implied',
  unknown_capability: 'admin.rule.unknown_capability',
  suspended: 'admin.rule.suspended',
  revoked: 'admin.rule.revoked',
  expired: 'admin.rule.expired',
  not_granted: 'admin.rule.not_granted',
  place_needed: 'admin.rule.place_needed',
  not_picked: 'admin.rule.not_picked',
  owner_suspended: 'admin.rule.owner_suspended',
  owner_lost_access: 'admin.rule.owner_lost_access',
  role_capped: 'admin.rule.role_capped',
  capability_not_held: 'admin.rule.capability_not_held',
  project_deleted: 'admin.rule.project_deleted',
  mcp_server_disabled: 'admin.rule.mcp_server_disabled',
  policy: 'admin.rule.policy',
  approval_pending: 'admin.rule.approval_pending',
  parent_lacks: 'admin.rule.parent_lacks',
};

/** "May it do this there now?", and the answer to the question in the address. */
async function whyBlocks(
  { ask, query, words, deps }: PageRequest,
  found: AuthorizationDocument,
): Promise<Block[]> {
  const { t } = words;
  const world = await deps.worldSource.whole();
  const offered = [
    ...[...world.projects].map(([id, { slug }]) => [id, slug] as const),
    ...[...world.mcpServers].map(([id, { name }]) => [id, name] as const),
  ];
  const on = offered.find(([id, name]) => query.on === id || query.on === name)?.[0] ?? query.on;
  const question: Block = {
    kind: 'search',
    action: `${root}/${found.id}`,
    submit: t('admin.why.ask'),
    fields: [
      {
        kind: 'menu',
        name: 'capability',
        label: t('admin.why.capability'),
        options: [...deps.catalogue.values()].map((capability) => ({
          value: capability.name,
          label: `${capabilityWords(capability, words).title} (${capability.name})`,
          selected: query.capability === capability.name,
        })),
      },
      offered.length <= longestMenu
        ? {
            kind: 'menu',
            name: 'on',
            label: t('admin.why.on'),
            options: [
              { value: '', label: t('admin.access.organization') },
              ...offered.map(([value, label]) => ({ value, label, selected: on === value })),
            ],
          }
        : {
            kind: 'text',
            name: 'on',
            label: t('admin.why.on'),
            value: query.on ?? '',
            suggestions: offered.map(([, label]) => label),
          },
    ],
  };
  const heading: Block = {
    kind: 'buttons',
    title: t('admin.why.title'),
    text: t('admin.why.text'),
    buttons: [],
  };
  if (query.capability === undefined) return [heading, question];
  const answer = await ask(operations.why, {
    params: { authorization_id: found.id },
    query: { capability: query.capability, ...(on ? { on } : {}) },
  });
  return [
    heading,
    question,
    {
      kind: 'facts',
      facts: [
        {
          term: t('admin.why.answer'),
          cell: [
            {
              kind: 'badge',
              text: t(answer.allowed ? 'admin.yes' : 'admin.no'),
              tone: answer.allowed ? 'good' : 'danger',
            },
            text(t(rules[answer.rule] ?? 'admin.rule.policy')),
          ],
        },
      ],
    },
  ];
}

const change = (action: 'suspend' | 'resume' | 'revoke'): FormDefinition =>
  form({
    path: `/authorizations/:id/${action}`,
    operation: operations[action],
    page: one,
    input: (_, { id = '' }) => ({ params: { authorization_id: id } }),
    done: ({ id }) => `${root}/${id}`,
  });

export const authorizationPages = {
  pages: [list, one],
  forms: [change('suspend'), change('resume'), change('revoke'), endAddition],
};
