/** Reads the log of changes: what happened to one thing, and who did it. */
import type { Store } from '../../db/open.ts';
import type { ChangeSubject } from './change-log.ts';

/** One entry of the log. */
export interface RecordedChange {
  readonly seq: number;
  /** Integer seconds. */
  readonly at: number;
  readonly action: string;
  readonly actor: string;
  readonly origin: string | null;
  readonly before: unknown;
  readonly after: unknown;
}

export interface ChangeHistory {
  /** Lists what happened to a subject, newest first. */
  of(subject: ChangeSubject, id: string, limit: number): Promise<RecordedChange[]>;
}

export function createChangeHistory({ store }: { store: Pick<Store, 'db'> }): ChangeHistory {
  return {
    async of(subject, id, limit) {
      // changes_by_subject, backwards
      const rows = await store.db
        .selectFrom('changes')
        .select(['seq', 'at', 'action', 'actor', 'origin', 'before', 'after'])
        .where('subject', '=', subject)
        .where('subject_id', '=', id)
        .orderBy('seq', 'desc')
        .limit(limit)
        .execute();
      const read = (text: string | null): unknown => (text === null ? undefined : JSON.parse(text));
      return rows.map((row) => ({ ...row, before: read(row.before), after: read(row.after) }));
    },
  };
}
