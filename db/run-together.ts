/**
 * Transactions on SQLite whose statements are all known before the first of them runs, as those of a token request are: nobody is waited for
 * between them, and nothing is paid for a transaction in which anything might be asked.
 */
import type Sqlite from 'better-sqlite3';
import type { CompiledQuery } from 'kysely';
import type { GroupCommit } from './group-commit.ts';
import { createStatementCache } from './sqlite-handles.ts';

export interface KnownStatement {
  readonly query: CompiledQuery<unknown>;
  /** Whether all of it is for nothing when this one changes no row. */
  readonly mustChange: boolean;
}

/**
 * Runs statements as one transaction, durable when the promise resolves.
 * @returns false, and nothing is done, when one that must change a row did not
 */
export type RunTogether = (known: readonly KnownStatement[]) => Promise<boolean>;

/** @param group over the writer */
export function createRunTogether(writer: Sqlite.Database, group: Pick<GroupCommit, 'begin'>): RunTogether {
  const statements = createStatementCache(writer);
  return async (known) => {
    const member = await group.begin();
    try {
      for (const { query, mustChange } of known) {
        member.assertOpen();
        const { changes } = statements(query.sql).run(...query.parameters);
        if (changes > 0 || !mustChange) continue;
        await member.rollback();
        return false;
      }
      await member.commit();
      return true;
    } catch (error) {
      await member.rollback();
      throw error;
    }
  };
}
