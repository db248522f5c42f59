/** The audit trail as a page: filtered by the same query as the JSON API, with a link that takes it away as JSON lines. */
import { apiRoot } from '../api/api-root.ts';
import { changeOperations } from '../api/change-operations.ts';
import type { PageDefinition } from './page.ts';
import { code, muted, text, time } from './page-model.ts';
import { addressOf, listQuery, moreLinks } from './words.ts';

const root = '/admin/audit';
const subjects = ['authorization', 'user', 'role', 'project', 'mcp_server', 'resource_server', 'client'];
const filters = ['subject', 'subject_id', 'action', 'actor'] as const;
/** Longer texts are cut on the page; the export has them whole. */
const longest = 160;

const list: PageDefinition = {
  path: '/audit',
  section: 'audit',
  anyOf: ['audit.read'],
  async build({ ask, words, query, deps }) {
    const { t } = words;
    const found = await ask(changeOperations.list, { query: listQuery(query, ...filters) });
    const asked = Object.fromEntries(filters.flatMap((name) => (query[name] ? [[name, query[name]]] : [])));
    const names = new Map<string, string>();
    for (const id of new Set(
      found.items.map(({ actor }) => actor).filter((actor) => actor.startsWith('usr_')),
    )) {
      names.set(id, (await deps.users.findById(id))?.email ?? id);
    }
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
                ...subjects.map((value) => ({ value, label: value, selected: query.subject === value })),
              ],
            },
            {
              kind: 'text',
              name: 'subject_id',
              label: t('admin.audit.subject_id'),
              value: query.subject_id ?? '',
            },
            { kind: 'text', name: 'actor', label: t('admin.audit.actor'), value: query.actor ?? '' },
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
                text(names.get(change.actor) ?? change.actor),
                ...(change.origin === null ? [] : [muted(change.origin)]),
              ],
              [text(change.action)],
              [
                text(change.subject),
                code(change.subject_id, addressOf(root, { subject_id: change.subject_id })),
              ],
              [value(change.before)],
              [value(change.after)],
            ],
          })),
          empty: t('admin.audit.empty'),
        },
        ...moreLinks(root, query, found.next, words),
      ],
    };
  },
};

function value(recorded: unknown) {
  if (recorded === null || recorded === undefined) return muted('–');
  const whole = JSON.stringify(recorded);
  return code(whole.length > longest ? `${whole.slice(0, longest)}…` : whole);
}

export const auditPages = { pages: [list], forms: [] };
