/**
 * What there is to do when MANDATE_SECRET changes. Owns the list of what is sealed and what is hashed for long; how is `secrets.ts`'s.
 * Whatever is sealed can be sealed anew at once; a hash can only be made anew from what was hashed, when it is shown the next time.
 */
import { sql } from 'kysely';
import type { Store } from '../db/open.ts';
import type { Secrets } from './secrets.ts';

/** Every column that holds what `seal` made for longer than some minutes, with the key of its table. */
export const sealedColumns = [
  { table: 'signing_keys', key: 'kid', column: 'encrypted_jwk' },
  { table: 'mail_outbox', key: 'id', column: 'sealed' },
  { table: 'authenticators', key: 'user_id', column: 'sealed_secret' },
  { table: 'event_receivers', key: 'resource_server_id', column: 'sealed_token' },
] as const;

/** Tables of long-lived secrets, with those of their rows that still count. */
const hashedTables = [
  { table: 'api_key_secrets', live: sql<boolean>`revoked_at is null` },
  { table: 'clients', live: sql<boolean>`secret_hash is not null` },
  { table: 'resource_servers', live: sql<boolean>`secret_hash is not null` },
] as const;

export type HashedTable = (typeof hashedTables)[number]['table'];

/** What still needs an earlier secret. */
export interface SecretsInUse {
  /** Sealed rows, which `resealAll` brings over; those of an earlier version, which are bound to no place, among them. */
  readonly sealed: number;
  /** Secrets that nobody has shown since: they are lost with the earlier MANDATE_SECRET. */
  readonly hashed: Readonly<Record<HashedTable, number>>;
}

/** Seals everything anew that is sealed under an earlier secret, or by an earlier version. @returns how many rows it was */
export async function resealAll({ store, secrets }: { store: Store; secrets: Secrets }): Promise<number> {
  return store.transact(async (trx) => {
    let done = 0;
    for (const { table, key, column } of sealedColumns) {
      const { rows } = await sql<SealedRow>`
        select ${sql.ref(key)} as key, ${sql.ref(column)} as sealed from ${sql.table(table)}
        where ${sql.ref(column)} is not null`.execute(trx);
      for (const { key: id, sealed } of rows) {
        const anew = secrets.reseal(sealed, { of: `${table}.${column}`, id });
        if (anew === undefined) continue;
        // By primary key; unless it was sealed anew meanwhile.
        await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${anew}
          where ${sql.ref(key)} = ${id} and ${sql.ref(column)} = ${sealed}`.execute(trx);
        done += 1;
      }
    }
    return done;
  });
}

/** Counts what still needs an earlier secret. */
export async function secretsInUse({
  store,
  secrets,
}: {
  store: Store;
  secrets: Secrets;
}): Promise<SecretsInUse> {
  let sealed = 0;
  for (const { table, key, column } of sealedColumns) {
    const { rows } = await sql<SealedRow>`
      select ${sql.ref(key)} as key, ${sql.ref(column)} as sealed from ${sql.table(table)}
      where ${sql.ref(column)} is not null`.execute(store.db);
    const place = (row: SealedRow) => ({ of: `${table}.${column}`, id: row.key });
    sealed += rows.filter((row) => secrets.reseal(row.sealed, place(row)) !== undefined).length;
  }
  const hashed = { api_key_secrets: 0, clients: 0, resource_servers: 0 };
  for (const { table, live } of hashedTables) {
    // The whole table: it is asked by hand.
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from ${sql.table(table)}
      where ${live} and (hashed_under is null or hashed_under <> ${secrets.id})`.execute(store.db);
    hashed[table] = Number(rows[0]?.count ?? 0);
  }
  return { sealed, hashed };
}

interface SealedRow {
  readonly key: string;
  readonly sealed: string;
}
