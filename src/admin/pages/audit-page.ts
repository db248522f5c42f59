/** The audit trail as a page: filtered by the same query as the JSON API, with a link that takes it away as JSON lines. */
import type { World } from '../../policy/vocabulary.ts';
import { apiRoot } from '../api/api-root.ts';
import { type ChangeDocument, changeOperations } from '../api/change-operations.ts';
import type { PageDefinition, PageRequest } from './page.ts';
import { type Cell, code, muted, text, time } from './page-model.ts';
import { addressOf, listQuery, moreLinks } from './words.ts';

const root = '/admin/audit';
const subjects = {
  authorization: 'admin.audit.authorization',
  user: 'admin.audit.user',
  role: 'admin.audit.role',
  project: 'admin.audit.project',
  mcp_server: 'admin.audit.mcp_server',
  resource_server: 'admin.audit.resource_server',
  client: 'admin.audit.client',
  policy: 'admin.audit.policy',
  signing_key: 'admin.audit.signing_key',
  server: 'admin.audit.server',
} as const;
const filters = ['subject', 'subject_id', 'action', 'actor'] as const;
/** Longer values are cut on the page; the export has them whole. */
const longest = 100;

const list: PageDefinition = {
  path: '/audit',
  section: 'audit',
  anyOf: ['audit.read'],
  async build({ ask, words, query, deps }) {
    const { t } = words;
    const found = await ask(changeOperations.list, { query: listQuery(query, ...filters) });
    const asked = Object.fromEntries(filters.flatMap((name) => (query[name] ? [[name, query[name]]] : [])));
    const named = await namesFor(deps, found.items);
    return {
      title: t('admin.nav.audit'),
      lead: t('admin.audit.lead'),
      blocks: [
        {
          kind: 'search',
          action: root,
          fields: [
            {
              kind: 'menu',
              name: 'subject',
              label: t('admin.audit.subject'),
              options: [
                { value: '', label: t('admin.audit.every_subject') },
                ...Object.entries(subjects).map(([value, key]) => ({
                  value,
                  label: t(key),
                  selected: query.subject === value,
                })),
              ],
            },
            {
              kind: 'text',
              name: 'subject_id',
              label: t('admin.audit.subject_id'),
              value: query.subject_id ?? '',
            },
            { kind: 'text', name: 'actor', label: t('admin.audit.actor_id'), value: query.actor ?? '' },
          ],
          create: { href: addressOf(`${apiRoot}/changes/export`, asked), label: t('admin.audit.export') },
        },
        {
          kind: 'table',
          columns: [
            t('admin.audit.when'),
            t('admin.audit.actor'),
            t('admin.audit.action'),
            t('admin.audit.subject'),
            t('admin.audit.before'),
            t('admin.audit.after'),
          ],
          rows: found.items.map((change) => ({
            cells: [
              [time(change.at)],
              [
                text(named(change.actor), addressOf(root, { actor: change.actor })),
                ...(change.origin === null ? [] : [muted(change.origin)]),
              ],
              [text(change.action.replaceAll('_', ' '))],
              [
                muted(t(subjects[change.subject as keyof typeof subjects] ?? 'admin.audit.client')),
                text(named(change.subject_id), addressOf(root, { subject_id: change.subject_id })),
              ],
              members(change.before, named),
              members(change.after, named),
            ],
          })),
          empty: t('admin.audit.empty'),
        },
        ...moreLinks(root, query, found.next, words),
      ],
    };
  },
};

type Named = (id: string) => string;

/** Knows the names of what the changes of one page mention, as far as it still exists. */
async function namesFor(
  { users, removedUsers, worldSource, store }: PageRequest['deps'],
  changes: readonly ChangeDocument[],
): Promise<Named> {
  const mentioned = [...new Set(JSON.stringify(changes).match(/\b(?:usr|prj|mcp|rs)_[0-9a-z]{26}\b/g) ?? [])];
  const of = (prefix: string) => mentioned.filter((id) => id.startsWith(`${prefix}_`));
  const world: World = await worldSource.of({ projects: of('prj'), mcpServers: of('mcp') });
  const names = new Map<string, string>([
    ...[...world.projects].map(([id, { slug }]) => [id, slug] as const),
    ...[...world.mcpServers].map(([id, { name }]) => [id, name] as const),
    ...[...world.roles].map(([id, { name }]) => [id, name] as const),
  ]);
  for (const id of of('usr')) {
    const user = await users.findById(id);
    if (user) names.set(id, user.email);
  }
  const gone = of('usr').filter((id) => !names.has(id));
  for (const [id, email] of await removedUsers.addressesOf(gone)) names.set(id, email);
  const guards = of('rs');
  if (guards.length > 0) {
    // resource_servers by primary key
    const rows = await store.db
      .selectFrom('resource_servers')
      .select(['id', 'name'])
      .where('id', 'in', guards)
      .execute();
    for (const { id, name } of rows) names.set(id, name);
  }
  return (id) => names.get(id) ?? id;
}

/** Writes what was recorded as `member: value`, with names instead of ids. */
function members(recorded: unknown, named: Named): Cell {
  if (recorded === null || recorded === undefined) return [muted('–')];
  const written = (value: unknown): string => {
    if (typeof value === 'string') return named(value);
    if (Array.isArray(value)) return value.map(written).join(', ');
    if (typeof value !== 'object' || value === null) return String(value);
    return Object.entries(value)
      .map(([name, content]) => `${name}: ${written(content)}`)
      .join(' ');
  };
  const entries = typeof recorded === 'object' ? Object.entries(recorded) : [['', recorded] as const];
  return entries
    .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => {
      const whole = `${name}: ${written(value)}`;
      return code(whole.length > longest ? `${whole.slice(0, longest)}…` : whole);
    });
}

export const auditPages = { pages: [list], forms: [] };
