/** Requests for an administrator's approval: what waits, what was decided, and the page where one is decided. */
import { type ApprovalDocument, approvalOperations } from '../api/approval-operations.ts';
import { type FormDefinition, field, form, type PageDefinition, seenVersion } from './page.ts';
import { type Block, type Cell, code, muted, text, time } from './page-model.ts';
import { listQuery, moreLinks } from './words.ts';

const root = '/admin/approvals';
const section = 'approvals';
const manage = ['policies.manage'] as const;

const statuses = {
  pending: { key: 'admin.approvals.pending', tone: 'warning' },
  approved: { key: 'admin.approvals.approved', tone: 'good' },
  declined: { key: 'admin.approvals.declined', tone: 'danger' },
} as const;

const list: PageDefinition = {
  path: '/approvals',
  section,
  anyOf: manage,
  async build({ ask, words, query }) {
    const { t } = words;
    const status = query.status ?? 'pending';
    const found = await ask(approvalOperations.list, {
      query: listQuery({ ...query, status: status === 'all' ? '' : status }, 'status'),
    });
    return {
      title: t('admin.nav.approvals'),
      lead: t('admin.approvals.lead'),
      tabs: [...Object.keys(statuses), 'all'].map((name) => ({
        href: `${root}?status=${name}`,
        label: t(name === 'all' ? 'admin.approvals.all' : statuses[name as keyof typeof statuses].key),
        current: name === status,
      })),
      blocks: [
        {
          kind: 'table',
          columns: [
            t('admin.approvals.capability'),
            t('admin.column.tool'),
            t('admin.column.owner'),
            t('admin.approvals.justification'),
            t('admin.approvals.asked'),
            t('admin.column.status'),
          ],
          rows: found.items.map((one) => ({
            cells: [
              [code(one.capability, `${root}/${one.id}`)],
              toolOf(one),
              [text(one.username)],
              [text(one.justification)],
              [time(one.requested_at)],
              [{ kind: 'badge', text: t(statuses[one.status].key), tone: statuses[one.status].tone }],
            ],
          })),
          empty: t('admin.approvals.empty'),
        },
        ...moreLinks(root, query, found.next, words),
      ],
    };
  },
};

const toolOf = (one: ApprovalDocument): Cell => [
  code(one.tool ?? one.authorization_id, `/admin/authorizations/${one.authorization_id}`),
];

const one: PageDefinition = {
  path: '/approvals/:id',
  section,
  anyOf: manage,
  async build({ ask, params, words, caller, deps, typed }) {
    const { t } = words;
    const asked = await ask(approvalOperations.get, { params: { approval_id: params.id ?? '' } });
    const home = `${root}/${asked.id}`;
    const named = async (id: string) => (await deps.users.findById(id))?.email ?? id;
    const own = caller.id === asked.requested_by || caller.id === asked.user_id;
    const { consequence, worstCase } = deps.catalogue.get(asked.capability) ?? {};
    const facts: Block = {
      kind: 'facts',
      facts: [
        {
          term: t('admin.approvals.capability'),
          cell: [code(asked.capability), ...(consequence === undefined ? [] : [muted(consequence)])],
        },
        ...(worstCase === undefined ? [] : [{ term: t('consent.worst'), cell: [text(worstCase)] }]),
        { term: t('admin.column.tool'), cell: toolOf(asked) },
        { term: t('admin.column.owner'), cell: [text(asked.username)] },
        ...(asked.ends_at === null ? [] : [{ term: t('admin.approvals.ends'), cell: [time(asked.ends_at)] }]),
        { term: t('admin.approvals.justification'), cell: [text(asked.justification)] },
        {
          term: t('admin.approvals.asked'),
          cell: [time(asked.requested_at), muted(await named(asked.requested_by))],
        },
        ...(asked.decided_at === null
          ? []
          : [
              {
                term: t('admin.approvals.decided'),
                cell: [time(asked.decided_at), muted(await named(asked.decided_by ?? ''))],
              },
            ]),
        ...(asked.note === null ? [] : [{ term: t('admin.approvals.note'), cell: [text(asked.note)] }]),
      ],
    };
    const decision = (action: 'approve' | 'decline'): Block => ({
      kind: 'form',
      title: t(action === 'approve' ? 'admin.approvals.approve_title' : 'admin.approvals.decline_title'),
      text: t(action === 'approve' ? 'admin.approvals.approve_text' : 'admin.approvals.decline_text'),
      action: `${home}/${action}`,
      hidden: {
        version: String(asked.version),
        authorization_version: String(asked.authorization_version),
      },
      fields: [
        {
          kind: 'text',
          name: 'note',
          label: t('admin.approvals.note'),
          value: field(typed, 'note'),
          hint: t('admin.approvals.note_hint'),
        },
      ],
      submit: t(action === 'approve' ? 'admin.approvals.approve' : 'admin.approvals.decline'),
      tone: action === 'approve' ? 'primary' : 'danger',
    });
    const waits = asked.status === 'pending' && (asked.ends_at === null || deps.clock.now() < asked.ends_at);
    return {
      title: asked.capability,
      back: { href: root, label: t('admin.nav.approvals') },
      badge: { text: t(statuses[asked.status].key), tone: statuses[asked.status].tone },
      ...(waits && own && { lead: t('admin.problem.own_request') }),
      blocks: [facts, ...(waits && !own ? [decision('approve'), decision('decline')] : [])],
    };
  },
};

const decide = (action: 'approve' | 'decline'): FormDefinition =>
  form({
    path: `/approvals/:id/${action}`,
    operation: approvalOperations[action],
    page: one,
    input: (posted, { id = '' }) => ({
      params: { approval_id: id },
      version: seenVersion(posted),
      body: {
        note: field(posted, 'note'),
        authorization_version: field(posted, 'authorization_version') || undefined,
      },
    }),
    done: ({ id }) => `${root}/${id}`,
  });

export const approvalPages = { pages: [list, one], forms: [decide('approve'), decide('decline')] };
