/** What was handed on from an authorization, and what it was handed on from, as the administration shows it. Pure. */
import type { Words } from '../../http/messages.ts';
import type { AuthorizationDocument, AuthorizationSummary } from '../api/authorization-document.ts';
import { type Block, type Cell, code, muted, text, time } from './page-model.ts';
import { codes, statusBadge } from './words.ts';

const root = '/admin/authorizations';

/** How a list names an authorization; one that was handed on says so. */
export function nameCell(one: AuthorizationSummary, { t }: Words): Cell {
  return [
    text(one.name ?? one.client_id ?? one.id, `${root}/${one.id}`),
    ...(one.parent_id === null ? [] : [muted(t('admin.authorizations.handed_on_mark'))]),
  ];
}

/** What it hangs on, of one that was handed on. */
export function parentFacts(found: AuthorizationDocument, { t }: Words): { term: string; cell: Cell }[] {
  if (found.parent_id === null) return [];
  return [
    {
      term: t('admin.authorizations.handed_on_from'),
      cell: [code(found.parent_id, `${root}/${found.parent_id}`)],
    },
    { term: t('admin.authorizations.handed_on_for'), cell: [code(found.audience ?? '')] },
  ];
}

/** What was handed on from it; nothing where there is none. */
export function handedOnBlocks(found: AuthorizationDocument, words: Words): Block[] {
  const { t } = words;
  if (found.handed_on.length === 0) return [];
  return [
    {
      kind: 'table',
      title: t('admin.authorizations.handed_on'),
      text: t('admin.authorizations.handed_on_text'),
      columns: [
        t('admin.column.tool'),
        t('admin.authorizations.handed_on_for'),
        t('admin.authorizations.capabilities'),
        t('admin.column.status'),
        t('admin.column.created'),
        t('admin.column.last_used'),
      ],
      rows: found.handed_on.map((one) => ({
        cells: [
          [text(one.client_id ?? one.id, `${root}/${one.id}`)],
          [code(one.audience ?? '')],
          one.capabilities.length === 0
            ? [text(t('admin.authorizations.handed_on_whole'))]
            : codes(one.capabilities, words),
          [statusBadge(one.status, words)],
          [time(one.created_at)],
          [one.last_used_at === null ? text(t('admin.never')) : time(one.last_used_at)],
        ],
      })),
      empty: '',
    },
  ];
}
