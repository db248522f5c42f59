/** How the administration's pages say what an operation answers: statuses, roles, permissions. Pure. */
import type { Words } from '../../http/messages.ts';
import type { ImpactDocument } from '../api/simulate-operation.ts';
import type { Block, Cell, Field, Piece } from './page-model.ts';
import { code, muted, text } from './page-model.ts';

/** Key of what a management permission lets somebody do. */
const permissionLabels: Readonly<Record<string, string>> = {
  'users.manage': 'admin.permission.users_manage',
  'roles.create': 'admin.permission.roles_create',
  'roles.update': 'admin.permission.roles_update',
  'projects.manage': 'admin.permission.projects_manage',
  'mcp-servers.manage': 'admin.permission.mcp_servers_manage',
  'api-keys.create': 'admin.permission.api_keys_create',
  'api-keys.manage': 'admin.permission.api_keys_manage',
  'service-accounts.create': 'admin.permission.service_accounts_create',
  'service-accounts.update': 'admin.permission.service_accounts_update',
  'clients.manage': 'admin.permission.clients_manage',
  'policies.manage': 'admin.permission.policies_manage',
  'audit.read': 'admin.permission.audit_read',
};

/** Says what a management permission lets somebody do. */
export function permissionLabel(name: string, words: Words): string {
  const key = permissionLabels[name];
  return key === undefined ? name : words.t(key);
}

const statuses = {
  active: { key: 'admin.status.active', tone: 'good' },
  suspended: { key: 'admin.status.suspended', tone: 'warning' },
  revoked: { key: 'admin.status.revoked', tone: 'danger' },
  expired: { key: 'admin.status.expired', tone: 'plain' },
  enabled: { key: 'admin.status.enabled', tone: 'good' },
  disabled: { key: 'admin.status.disabled', tone: 'warning' },
  verified: { key: 'admin.status.verified', tone: 'good' },
  unverified: { key: 'admin.status.unverified', tone: 'plain' },
  built_in: { key: 'admin.status.built_in', tone: 'plain' },
  custom: { key: 'admin.status.custom', tone: 'accent' },
} as const;

export type Status = keyof typeof statuses;

/** A status as a badge. */
export function statusBadge(status: Status, words: Words): Extract<Piece, { kind: 'badge' }> {
  const { key, tone } = statuses[status];
  return { kind: 'badge', text: words.t(key), tone };
}

/** A status as the badge beside a page's title. */
export function titleBadge(status: Status, words: Words) {
  const { text: label, tone } = statusBadge(status, words);
  return { text: label, tone: tone === 'accent' ? ('plain' as const) : tone };
}

/** Names in monospace, or a word for none. */
export function codes(names: readonly string[], words: Words): Cell {
  return names.length === 0 ? [muted(words.t('admin.none'))] : names.map((name) => code(name));
}

/** The field that a list is searched by. */
export const searchField = (label: string, value: string | undefined): Field => ({
  kind: 'text',
  name: 'search',
  label,
  value: value ?? '',
});

/** The links below a page of a list. */
export function moreLinks(
  base: string,
  query: Readonly<Record<string, string>>,
  next: string | number | null,
  words: Words,
): Block[] {
  const { saved: _, after, ...kept } = query;
  const links = [
    ...(after === undefined ? [] : [{ href: addressOf(base, kept), label: words.t('admin.search.first') }]),
    ...(next === null
      ? []
      : [{ href: addressOf(base, { ...kept, after: String(next) }), label: words.t('admin.search.next') }]),
  ];
  return links.length === 0 ? [] : [{ kind: 'more', links }];
}

/** Keeps of a query what an operation takes: filled members that it knows, of which a page shows 20. */
export function listQuery(
  query: Readonly<Record<string, string>>,
  ...known: readonly string[]
): Record<string, string | number> {
  const kept = Object.entries(query).filter(
    ([name, value]) => value !== '' && ['after', ...known].includes(name),
  );
  return { ...Object.fromEntries(kept), limit: 20 };
}

/** Writes an address with a query. */
export function addressOf(path: string, query: Readonly<Record<string, string>>): string {
  const search = new URLSearchParams(query).toString();
  return search === '' ? path : `${path}?${search}`;
}

/** Says how many authorizations a change would cut, and whose. @param listed one by one, where the page does not do so itself */
export function impactBlocks(
  impact: ImpactDocument,
  words: Words,
  { listed = true }: { listed?: boolean } = {},
): Block[] {
  const { t, plural } = words;
  if (impact.authorizations === 0) {
    return [
      { kind: 'facts', facts: [{ term: t('admin.impact.title'), cell: [text(t('admin.impact.nothing'))] }] },
    ];
  }
  const people = plural('admin.impact.people', impact.people);
  const sentence = plural('admin.impact.cuts', impact.authorizations, { people });
  if (!listed) {
    return [{ kind: 'facts', facts: [{ term: t('admin.impact.title'), cell: [text(sentence)] }] }];
  }
  const most = 50;
  return [
    {
      kind: 'table',
      title: t('admin.impact.title'),
      text:
        impact.incomplete || impact.cuts.length > most ? `${sentence} ${t('admin.impact.more')}` : sentence,
      columns: [t('admin.column.tool'), t('admin.column.owner'), t('admin.impact.loses')],
      rows: impact.cuts.slice(0, most).map((cut) => ({
        cells: [
          [code(cut.tool ?? cut.authorization_id, `/admin/authorizations/${cut.authorization_id}`)],
          [text(cut.username)],
          cut.everything
            ? [{ kind: 'badge', text: t('admin.impact.everything'), tone: 'danger' }]
            : cut.lost.map(({ name, capability }) =>
                code(capability === undefined ? name : `${name}: ${capability}`),
              ),
        ],
      })),
      empty: '',
    },
  ];
}
