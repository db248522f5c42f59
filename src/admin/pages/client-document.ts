/** What changed in a client's metadata document, on its page: what was vouched for and consented to before is not what it is now. */
import { type DocumentPart, differencesBetween } from '../../clients/document-difference.ts';
import type { Words } from '../../http/messages.ts';
import { displayText } from '../../interaction/display-text.ts';
import type { ClientDocument } from '../api/client-operations.ts';
import type { AdminDeps } from '../api/operation.ts';
import { type Block, type Cell, code, muted, text, time } from './page-model.ts';

/** Further back is in the audit trail. */
const lastChanges = 50;
const mostShown = 10;

const parts = {
  name: 'admin.clients.document.name',
  redirects: 'admin.clients.document.redirects',
  authentication: 'admin.clients.document.authentication',
  keys: 'admin.clients.document.keys',
} as const satisfies Record<DocumentPart, string>;

/** Reads what changed in a client's document, newest first; no block for a client that has none. */
export async function documentBlocks(
  client: ClientDocument,
  { history }: Pick<AdminDeps, 'history'>,
  words: Words,
  links: { readonly policies: boolean },
): Promise<Block[]> {
  const { t } = words;
  if (client.kind !== 'metadata_document') return [];
  const changes = (await history.of('client', client.id, lastChanges))
    .filter(({ action }) => action === 'document_changed')
    .flatMap(({ at, before, after }) =>
      differencesBetween(metadataOf(before), metadataOf(after)).map((difference) => ({ at, ...difference })),
    )
    .slice(0, mostShown);
  return [
    {
      kind: 'table',
      title: t('admin.clients.document.title'),
      text: t('admin.clients.document.text'),
      columns: [
        t('admin.audit.when'),
        t('admin.clients.document.what'),
        t('admin.clients.document.before'),
        t('admin.clients.document.after'),
      ],
      rows: changes.map(({ at, part, before, after }) => ({
        cells: [[time(at)], [text(t(parts[part]))], said(before, words), said(after, words)],
      })),
      empty: t('admin.clients.document.unchanged'),
    },
    {
      kind: 'facts',
      facts: [
        { term: t('admin.clients.document.host'), cell: [code(new URL(client.id).host)] },
        ...(links.policies
          ? [
              {
                term: t('admin.clients.document.rules'),
                cell: [text(t('admin.clients.document.rules_link'), '/admin/policies')],
              },
            ]
          : []),
      ],
    },
  ];
}

function said(values: readonly string[], { t }: Words): Cell {
  return values.length === 0
    ? [muted(t('admin.none'))]
    : values.map((value) => code(displayText(value, 200)));
}

function metadataOf(recorded: unknown): Readonly<Record<string, unknown>> {
  return (recorded as { metadata?: Record<string, unknown> } | undefined)?.metadata ?? {};
}
