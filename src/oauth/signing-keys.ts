/**
 * The keys that sign ID tokens. Owns their generation, their encryption at rest and their order: keys in state `signing` come
 * first, so that the library signs with them; `published` ones are only published.
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Store } from '../../db/open.ts';
import type { Clock } from '../clock.ts';
import type { Secrets } from '../secrets.ts';

/** ES256 by default; RS256 because some clients know no other (OpenID Connect Core section 15.1). */
const algorithms = ['ES256', 'RS256'] as const;

/**
 * Loads the key set, making the first keys when there are none.
 * @returns private JWKs, signing keys first; the library publishes the public parts only
 */
export async function loadSigningKeys(deps: {
  store: Store;
  secrets: Secrets;
  clock: Clock;
}): Promise<JWK[]> {
  const kept = await readKeys(deps);
  if (kept.length > 0) return kept;
  const made = await Promise.all(algorithms.map(makeKey));
  await deps.store.transact(async (trx) => {
    // Two nodes that start at once on an empty database: the counter's row is the lock, the second keeps the first one's keys.
    await trx
      .updateTable('change_counter')
      .set((row) => ({ n: row('n', '+', 0) }))
      .where('id', '=', 1)
      .execute();
    const existing = await trx.selectFrom('signing_keys').select('kid').executeTakeFirst();
    if (existing) return;
    for (const { kid, algorithm, jwk } of made) {
      await trx
        .insertInto('signing_keys')
        .values({
          kid,
          algorithm,
          state: 'signing',
          encrypted_jwk: deps.secrets.seal(JSON.stringify(jwk)),
          created_at: deps.clock.now(),
        })
        .execute();
    }
  });
  return readKeys(deps);
}

async function readKeys({ store, secrets }: { store: Store; secrets: Secrets }): Promise<JWK[]> {
  const rows = await store.db
    .selectFrom('signing_keys')
    .select(['encrypted_jwk'])
    .orderBy('state', 'desc')
    .orderBy('created_at')
    .orderBy('algorithm')
    .execute();
  try {
    return rows.map((row) => JSON.parse(secrets.unseal(row.encrypted_jwk)) as JWK);
  } catch (cause) {
    throw new Error('the signing keys in the database were made under another MANDATE_SECRET', { cause });
  }
}

async function makeKey(algorithm: (typeof algorithms)[number]) {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true, modulusLength: 2048 });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  return { kid, algorithm, jwk: { ...jwk, kid, alg: algorithm, use: 'sig' } };
}
