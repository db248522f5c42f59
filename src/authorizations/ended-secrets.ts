/** Finds secrets of API keys whose time is over and that do not say so yet. A key that ended stays on record: they are looked through in steps. */
import { setImmediate as turn } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../../db/schema.ts';

/** Keys looked at before others have their turn. */
const stepRows = 500;

/** What ended before the last look that found nothing is on record; looked at once more are those that ended this short before it. */
const againSeconds = 86_400;

/**
 * Looks for them.
 * @param now integer seconds
 * @param most how many are enough
 * @returns ids of secrets; those of a rotation that is over come first
 */
export type EndedSecrets = (now: number, most: number) => Promise<string[]>;

export function createEndedSecrets(db: Kysely<Database>): EndedSecrets {
  let clearBefore = -1;
  return async (now, most) => {
    const found = await look(now, most, clearBefore);
    if (found.length === 0) clearBefore = now - againSeconds;
    return found;
  };

  async function look(now: number, most: number, since: number): Promise<string[]> {
    // api_key_secrets_unended
    const rotatedOut = await db
      .selectFrom('api_key_secrets')
      .select('id')
      .where('revoked_at', 'is', null)
      .where('expires_at', '<=', now)
      .limit(most)
      .execute();
    const found = new Set(rotatedOut.map(({ id }) => id));
    for (let after = since; found.size < most; ) {
      // authorizations_keys_by_end, which SQLite takes where the kind is written out
      const step = await db
        .selectFrom('authorizations')
        .select('expires_at')
        .where('kind', '=', sql.lit('api_key'))
        .where('expires_at', '>', after)
        .where('expires_at', '<=', now)
        .orderBy('expires_at')
        .offset(stepRows - 1)
        .limit(1)
        .executeTakeFirst();
      const upTo = step?.expires_at ?? now;
      // authorizations_keys_by_end; api_key_secrets_by_authorization for each: joined, each step would begin at all secrets that hold
      const expired = await db
        .selectFrom('authorizations as a')
        .select(({ selectFrom }) =>
          // A key that is being rotated has two, and the other is found the next time.
          selectFrom('api_key_secrets as s')
            .select('s.id')
            .whereRef('s.authorization_id', '=', 'a.id')
            .where('s.revoked_at', 'is', null)
            .limit(1)
            .as('secret'),
        )
        .where('a.kind', '=', sql.lit('api_key'))
        .where('a.expires_at', '>', after)
        .where('a.expires_at', '<=', upTo)
        .execute();
      for (const { secret } of expired) if (secret !== null && found.size < most) found.add(secret);
      if (!step) break;
      after = upTo;
      await turn();
    }
    return [...found];
  }
}
