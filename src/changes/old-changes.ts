/**
 * Deletes the oldest of the log of changes. Owns which of them may go; does not own how many at a time (`oauth/collect-garbage.ts`).
 *
 * Rows are read in the order of their numbers, which is the order of commits, and times follow it: a pass ends at the first that is
 * young enough, without a look at those behind it. Where a clock was put ahead for a while, what was written then is young until then.
 * Whoever follows the log by its numbers takes a number without its row for "anything may have changed" (`freshness.ts`, `change-feed.ts`).
 */
import type { Store } from '../../db/open.ts';
import type { Clock } from '../clock.ts';

/** Changes with numbers above `after`, up to `through`. */
export interface NumberRange {
  readonly after: number;
  readonly through: number;
}

export interface OldChanges {
  /**
   * Begins a pass at the oldest.
   * @returns what makes one step of it, over as many rows as it is told, and says whether there may be more
   */
  pass(): (rows: number) => Promise<{ deleted: number; more: boolean }>;
}

const daySeconds = 86_400;

/**
 * Creates what deletes old changes.
 * @param deps.days the age from which they go
 * @param deps.needed finds those of a range that something still goes by, whatever their age: they stay. Asked of the oldest first, in
 *   every pass anew
 */
export function createOldChanges(deps: {
  store: Pick<Store, 'db' | 'transactApart'>;
  clock: Clock;
  days: number;
  needed: (range: NumberRange) => Promise<readonly number[]>;
}): OldChanges {
  const { store, clock, days, needed } = deps;
  return {
    pass() {
      const youngFrom = clock.now() - days * daySeconds;
      let after = 0;
      return async (rows) => {
        const old = await oldest(after, rows, youngFrom);
        const through = old.at(-1);
        if (through === undefined) return { deleted: 0, more: false };
        const range = { after, through };
        const kept = await needed(range);
        after = through;
        const deleted = kept.length < old.length ? await remove(range, kept) : 0;
        return { deleted, more: old.length === rows };
      };
    },
  };

  /** Lists the oldest that are old enough, and followed by another: the newest stays, whatever its age. */
  async function oldest(after: number, rows: number, youngFrom: number): Promise<number[]> {
    // changes by primary key
    const found = await store.db
      .selectFrom('changes')
      .select(['seq', 'at'])
      .where('seq', '>', after)
      .orderBy('seq')
      .limit(rows + 1)
      .execute();
    const followed = found.slice(0, -1);
    const young = followed.findIndex(({ at }) => at >= youngFrom);
    return followed.slice(0, young === -1 ? followed.length : young).map(({ seq }) => seq);
  }

  function remove({ after, through }: NumberRange, kept: readonly number[]): Promise<number> {
    return store.transactApart(async (trx) => {
      // changes by primary key
      let query = trx.deleteFrom('changes').where('seq', '>', after).where('seq', '<=', through);
      if (kept.length > 0) query = query.where('seq', 'not in', kept);
      const { numDeletedRows } = await query.executeTakeFirst();
      return Number(numDeletedRows);
    });
  }
}
