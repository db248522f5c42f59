/** The addresses of accounts that were removed, as the log of changes still knows them: what they did stays readable. */
import type { Store } from '../../db/open.ts';

export interface RemovedUsers {
  /** Finds the last address of each that was removed. */
  addressesOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

export function createRemovedUsers({ store }: { store: Pick<Store, 'db'> }): RemovedUsers {
  return {
    async addressesOf(ids) {
      if (ids.length === 0) return new Map();
      // changes_by_subject
      const rows = await store.db
        .selectFrom('changes')
        .select(['subject_id', 'before'])
        .where('subject', '=', 'user')
        .where('subject_id', 'in', [...ids])
        .where('action', '=', 'removed')
        .execute();
      return new Map(
        rows.map(({ subject_id: id, before }) => {
          const { email = id } = JSON.parse(before ?? '{}') as { email?: string };
          return [id, email];
        }),
      );
    },
  };
}
