/**
 * Brings a database to this binary's schema: in order, once, by whichever node comes first while the others wait.
 */
import { Kysely, PostgresDialect } from 'kysely';
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration';
import * as createTables from './migrations/0001-create-tables.ts';
import * as addApiKeysAndLastUse from './migrations/0002-add-api-keys-and-last-use.ts';
import * as indexChangesByActor from './migrations/0003-index-changes-by-actor.ts';
import * as indexAuthorizationsOfClient from './migrations/0004-index-authorizations-of-client.ts';
import * as addPolicies from './migrations/0005-add-policies.ts';
import * as countActivity from './migrations/0006-count-activity.ts';
import * as addMailAndAccountLinks from './migrations/0007-add-mail-and-account-links.ts';
import * as addSessions from './migrations/0008-add-sessions.ts';
import * as addPasskeysAndSecondFactors from './migrations/0009-add-passkeys-and-second-factors.ts';
import * as addClientSettings from './migrations/0010-add-client-settings.ts';
import * as keepClientKeys from './migrations/0011-keep-client-keys.ts';
import * as scheduleSigningKeys from './migrations/0012-schedule-signing-keys.ts';
import * as nameTheSecretOfHashes from './migrations/0013-name-the-secret-of-hashes.ts';
import * as addAuthorizationUses from './migrations/0015-add-authorization-uses.ts';
import * as addEventReceivers from './migrations/0016-add-event-receivers.ts';
import * as addUpstreamAccounts from './migrations/0017-add-upstream-accounts.ts';
import * as indexLargeLists from './migrations/0019-index-large-lists.ts';
import * as handOnAuthorizations from './migrations/0020-hand-on-authorizations.ts';
import * as addTemporaryAdditions from './migrations/0022-add-temporary-additions.ts';
import type { Store } from './open.ts';
import type { Database } from './schema.ts';
import { keepUndoInMemory, spillToFiles } from './sqlite-handles.ts';

/** Registered by hand, in order; a name is never changed once it has landed. */
const migrations: Record<string, Migration> = {
  '0001-create-tables': createTables,
  '0002-add-api-keys-and-last-use': addApiKeysAndLastUse,
  '0003-index-changes-by-actor': indexChangesByActor,
  '0004-index-authorizations-of-client': indexAuthorizationsOfClient,
  '0005-add-policies': addPolicies,
  '0006-count-activity': countActivity,
  '0007-add-mail-and-account-links': addMailAndAccountLinks,
  '0008-add-sessions': addSessions,
  '0009-add-passkeys-and-second-factors': addPasskeysAndSecondFactors,
  '0010-add-client-settings': addClientSettings,
  '0011-keep-client-keys': keepClientKeys,
  '0012-schedule-signing-keys': scheduleSigningKeys,
  '0013-name-the-secret-of-hashes': nameTheSecretOfHashes,
  '0015-add-authorization-uses': addAuthorizationUses,
  '0016-add-event-receivers': addEventReceivers,
  '0017-add-upstream-accounts': addUpstreamAccounts,
  '0019-index-large-lists': indexLargeLists,
  '0020-hand-on-authorizations': handOnAuthorizations,
  '0022-add-temporary-additions': addTemporaryAdditions,
};

/** PostgreSQL's code for a table that is not there. */
const undefinedTable = '42P01';

/** The database was migrated by a newer Mandate than this one. */
export class NewerSchemaError extends Error {
  override readonly name = 'NewerSchemaError';
}

/** Somebody else held for too long what the migration needs; nothing of the migration that waited was applied. */
export class MigrationBlockedError extends Error {
  override readonly name = 'MigrationBlockedError';
}

/** Whoever waits for a table's lock makes everybody queue behind them: a migration gives up before that is an outage. */
const lockSeconds = 60;
/** PostgreSQL's code for a lock that did not come in time. */
const lockNotAvailable = '55P03';

/**
 * Applies what is missing.
 * @param options.lockSeconds for how long a statement waits for a table that another session holds; for another node that migrates, Kysely does
 * @returns the names of the migrations that this call applied
 * @throws NewerSchemaError when the database knows migrations that this binary does not
 * @throws MigrationBlockedError
 */
export async function migrate(store: Store, options: { lockSeconds?: number } = {}): Promise<string[]> {
  const patience = options.lockSeconds ?? lockSeconds;
  const applied = await appliedMigrations(store);
  refuseNewerSchema(applied);
  // The common start, also right after a crash: nothing to lock, nobody to wait for.
  if (Object.keys(migrations).every((name) => applied.includes(name))) return [];
  const provider: MigrationProvider = { getMigrations: async () => migrations };
  const { error, results } = await unhurried(store, patience, (db) =>
    new Migrator({ db, provider }).migrateToLatest(),
  );
  if ((error as { code?: unknown } | undefined)?.code === lockNotAvailable) {
    throw new MigrationBlockedError(
      'another session has held for too long what the migration needs: see who in pg_stat_activity, end long transactions or wait for the node that migrates, then start again',
      { cause: error },
    );
  }
  if (error) throw new Error('the database could not be migrated', { cause: error });
  return (results ?? [])
    .filter((result) => result.status === 'Success')
    .map((result) => result.migrationName);
}

/**
 * Works on a connection that PostgreSQL ends no statement of: what requests may wait for is too short for an index on a large table, and for
 * another node that is migrating.
 */
async function unhurried<T>(
  store: Store,
  patience: number,
  work: (db: Kysely<Database>) => Promise<T>,
): Promise<T> {
  if (!store.pool) return spilling(store, work);
  const { default: pg } = await import('pg');
  const options = {
    ...store.pool.options,
    max: 1,
    statement_timeout: undefined,
    lock_timeout: patience * 1_000,
  };
  // What breaks a connection is an error of the statement on it.
  const pool = new pg.Pool(options).on('error', () => {});
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}

/** Works on SQLite, where an index on a large table is sorted in files. */
async function spilling<T>({ db, sqlite }: Store, work: (db: Kysely<Database>) => Promise<T>): Promise<T> {
  if (!sqlite) return work(db);
  spillToFiles(sqlite.writer);
  try {
    return await work(db);
  } finally {
    keepUndoInMemory(sqlite.writer);
  }
}

/** Names of migrations that this binary has and the database has not. */
export async function pendingMigrations(store: Store): Promise<string[]> {
  const applied = await appliedMigrations(store);
  return Object.keys(migrations).filter((name) => !applied.includes(name));
}

function refuseNewerSchema(applied: readonly string[]): void {
  const unknown = applied.filter((name) => !Object.hasOwn(migrations, name));
  if (unknown.length === 0) return;
  throw new NewerSchemaError(
    `the database has migrations that this version of Mandate does not know (${unknown.join(', ')}): run the newer version`,
  );
}

async function appliedMigrations(store: Store): Promise<string[]> {
  try {
    const rows = await store.db
      .withTables<{ kysely_migration: { name: string } }>()
      .selectFrom('kysely_migration')
      .select('name')
      .execute();
    return rows.map((row) => row.name);
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    // An empty database: asking for the table itself costs less than asking which tables there are.
    if (code === undefinedTable || /^no such table: kysely_migration/.test(String(message))) return [];
    throw error;
  }
}
