/** Finds secrets of API keys whose time is over and that do not say so yet. A key that ended stays on record: they are looked through in steps. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';

/** Keys looked at before others have their turn. */
const stepRows = 500;

/** @param now integer seconds @param most how many are enough @returns ids of secrets; those of a rotation that is over come first */
export async function findEndedSecrets(db: Kysely<Database>, now: number, most: number): Promise<string[]> {
  // api_key_secrets_unended
  const rotatedOut = await db
    .selectFrom('api_key_secrets')
    .select('id')
    .where('revoked_at', 'is', null)
    .where('expires_at', '<=', now)
    .limit(most)
    .execute();
  const found = new Set(rotatedOut.map(({ id }) => id));
  for (let after = -1; found.size < most; ) {
    // authorizations_keys_by_end
    const step = await db
      .selectFrom('authorizations')
      .select('expires_at')
      .where('kind', '=', 'api_key')
      .where('expires_at', '>', after)
      .where('expires_at', '<=', now)
      .orderBy('expires_at')
      .offset(stepRows - 1)
      .limit(1)
      .executeTakeFirst();
    const upTo = step?.expires_at ?? now;
    // authorizations_keys_by_end, api_key_secrets_by_authorization
    const expired = await db
      .selectFrom('authorizations as a')
      .innerJoin('api_key_secrets as s', 's.authorization_id', 'a.id')
      .select('s.id')
      .where('a.kind', '=', 'api_key')
      .where('a.expires_at', '>', after)
      .where('a.expires_at', '<=', upTo)
      .where('s.revoked_at', 'is', null)
      .limit(most - found.size)
      .execute();
    for (const { id } of expired) found.add(id);
    if (!step) break;
    after = upTo;
    await turn();
  }
  return [...found];
}
