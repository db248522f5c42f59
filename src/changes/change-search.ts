/** Reading the log of changes back: the audit trail. Nothing here writes. */
import { sql } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { ChangesTable } from '../../db/schema.ts';

export interface ChangeSearch {
  readonly subject?: string;
  readonly subjectId?: string;
  readonly action?: string;
  readonly actor?: string;
  /** Integer seconds; at or after, and before. */
  readonly since?: number;
  readonly until?: number;
  readonly limit: number;
  /** The number of the last change of the page before; older ones follow. */
  readonly before?: number;
}

export interface RecordedChange {
  readonly seq: number;
  readonly at: number;
  readonly subject: string;
  readonly subjectId: string;
  readonly action: string;
  readonly actor: string;
  readonly origin: string | null;
  readonly before: unknown;
  readonly after: unknown;
}

/** Lists changes, newest first. */
export async function searchChanges(
  { db }: Pick<Store, 'db'>,
  { subject, subjectId, action, actor, since, until, limit, before }: ChangeSearch,
): Promise<RecordedChange[]> {
  const between = await numbersBetween(db, { since, until });
  if (between === 'none') return [];
  // changes by primary key, backwards; or changes_by_subject, changes_by_actor, changes_by_action, changes_by_kind
  let query = db.selectFrom('changes').selectAll().orderBy('seq', 'desc').limit(limit);
  if (subject !== undefined) {
    // With an action, as an expression: a kind has very many changes, and changes_by_action tells their kinds.
    query = query.where(action === undefined ? 'subject' : sql`coalesce(subject, '')`, '=', subject);
  }
  if (subjectId !== undefined) query = query.where('subject_id', '=', subjectId);
  if (action !== undefined) query = query.where('action', '=', action);
  if (actor !== undefined) query = query.where('actor', '=', actor);
  if (between !== undefined) query = query.where('seq', '>=', between.first).where('seq', '<=', between.last);
  // As an expression, so that nobody sorts what changes_by_time finds: a clock may have been put back, and numbers are the order.
  if (since !== undefined) query = query.where(sql<boolean>`at + 0 >= ${since}`);
  if (until !== undefined) query = query.where(sql<boolean>`at + 0 < ${until}`);
  if (before !== undefined) query = query.where('seq', '<', before);
  return (await query.execute()).map(toChange);
}

/** Finds the first and the last change of a time. */
async function numbersBetween(
  db: Store['db'],
  { since, until }: { since: number | undefined; until: number | undefined },
): Promise<{ first: number; last: number } | 'none' | undefined> {
  if (since === undefined && until === undefined) return undefined;
  // changes_by_time alone
  let query = db
    .selectFrom('changes')
    .select(({ fn }) => [fn.min('seq').as('first'), fn.max('seq').as('last')]);
  if (since !== undefined) query = query.where('at', '>=', since);
  if (until !== undefined) query = query.where('at', '<', until);
  const { first, last } = await query.executeTakeFirstOrThrow();
  // There is none of nothing, whatever the types of an aggregate say.
  const found: { first: number | null; last: number | null } = { first, last };
  return found.first === null || found.last === null ? 'none' : { first: found.first, last: found.last };
}

/** Reads everything that a search finds, newest first, a few at a time. */
export async function* exportChanges(
  store: Pick<Store, 'db'>,
  search: Omit<ChangeSearch, 'limit' | 'before'>,
): AsyncGenerator<RecordedChange> {
  const atOnce = 500;
  let before: number | undefined;
  for (;;) {
    const page = await searchChanges(store, {
      ...search,
      limit: atOnce,
      ...(before === undefined ? {} : { before }),
    });
    yield* page;
    before = page.at(-1)?.seq;
    if (page.length < atOnce) return;
  }
}

function toChange(row: ChangesTable): RecordedChange {
  const parsed = (text: string | null) => (text === null ? null : (JSON.parse(text) as unknown));
  return {
    seq: row.seq,
    at: row.at,
    subject: row.subject,
    subjectId: row.subject_id,
    action: row.action,
    actor: row.actor,
    origin: row.origin,
    before: parsed(row.before),
    after: parsed(row.after),
  };
}
