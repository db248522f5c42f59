/** The audit trail: one row for each change, to read and to take away; nobody writes here. */
import { z } from 'zod';
import { exportChanges, type RecordedChange, searchChanges } from '../../changes/change-search.ts';
import { operation } from './operation.ts';
import { instantSchema, pageQuery } from './schemas.ts';

const tag = 'Audit';

const changeSchema = z
  .object({
    seq: z.int().describe('Changes have one order: that of their commits'),
    at: instantSchema,
    subject: z.string(),
    subject_id: z.string(),
    action: z.string(),
    actor: z.string().describe('A user id, `client:ID`, `command` or `system`'),
    origin: z.string().nullable().describe('The address that the request came from'),
    before: z.unknown(),
    after: z.unknown(),
  })
  .meta({ id: 'Change' });

export type ChangeDocument = z.output<typeof changeSchema>;

const filter = {
  subject: z
    .enum([
      'authorization',
      'user',
      'role',
      'project',
      'mcp_server',
      'resource_server',
      'client',
      'policy',
      'signing_key',
      'server',
    ])
    .optional(),
  subject_id: z.string().max(2_000).optional(),
  action: z.string().max(60).optional(),
  actor: z.string().max(2_000).optional(),
  since: z.coerce.number().int().min(0).optional().describe('At or after, integer seconds'),
  until: z.coerce.number().int().min(0).optional().describe('Before, integer seconds'),
};

const filterSchema = z.strictObject(filter);

export const changeOperations = {
  list: operation({
    id: 'list_changes',
    tag,
    summary: 'List changes, newest first',
    method: 'get',
    path: '/changes',
    anyOf: ['audit.read'],
    query: z.strictObject({
      ...filter,
      limit: pageQuery.limit,
      after: z.coerce.number().int().min(1).optional().describe('`next` of the page before'),
    }),
    answer: z.object({ items: z.array(changeSchema), next: z.int().nullable() }),
    async handle({ store }, { query: { limit, after, ...asked } }) {
      const rows = await searchChanges(store, {
        ...searchOf(asked),
        limit: limit + 1,
        ...(after === undefined ? {} : { before: after }),
      });
      const items = rows.slice(0, limit).map(changeDocument);
      return { items, next: rows.length > limit ? (items.at(-1)?.seq ?? null) : null };
    },
  }),

  /** Its answer is written line by line; the same value serves both the description and the check. */
  export: operation({
    id: 'export_changes',
    tag,
    summary: 'Export changes as JSON lines, newest first',
    method: 'get',
    path: '/changes/export',
    anyOf: ['audit.read'],
    query: filterSchema,
    answer: z.custom<AsyncIterable<string>>().meta({ type: 'string', description: 'One change a line' }),
    handle: async ({ store }, { query }) => jsonLines(exportChanges(store, searchOf(query))),
  }),
};

async function* jsonLines(changes: AsyncIterable<RecordedChange>): AsyncGenerator<string> {
  for await (const change of changes) yield `${JSON.stringify(changeDocument(change))}\n`;
}

function searchOf(query: z.output<typeof filterSchema>) {
  const { subject, subject_id: subjectId, action, actor, since, until } = query;
  return {
    ...(subject === undefined ? {} : { subject }),
    ...(subjectId === undefined ? {} : { subjectId }),
    ...(action === undefined ? {} : { action }),
    ...(actor === undefined ? {} : { actor }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

const changeDocument = ({ subjectId, ...change }: RecordedChange): ChangeDocument => ({
  seq: change.seq,
  at: change.at,
  subject: change.subject,
  subject_id: subjectId,
  action: change.action,
  actor: change.actor,
  origin: change.origin,
  before: change.before,
  after: change.after,
});
