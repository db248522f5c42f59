import { existsSync } from 'node:fs';
import { pendingMigrations } from '../../db/migrate.ts';
import { openDatabase, type Store } from '../../db/open.ts';
import { readCatalogue } from '../catalogue.ts';
import type { Actor } from '../changes/change-log.ts';
import { type Clock, systemClock } from '../clock.ts';
import { type Config, defaultDatabaseUrl } from '../config.ts';
import type { Catalogue } from '../policy/vocabulary.ts';
import { createSecrets, type Secrets } from '../secrets.ts';
import { shippedFiles } from '../shipped-files.ts';
import { createStores, type Stores } from '../stores.ts';

/** What a command works on. */
export interface Workspace extends Stores {
  readonly store: Store;
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly catalogue: Catalogue;
  /** Who the log of changes names. */
  readonly actor: Actor;
}

/** The database has to be migrated before a command can work on it. */
class NotMigratedError extends Error {
  override readonly name = 'NotMigratedError';
}

/**
 * Opens the configured database for one piece of work and closes it afterwards.
 * @throws NotMigratedError when the database is behind this version
 */
export async function withWorkspace<T>(
  config: Config,
  work: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  const store = await openDatabase(config.databaseUrl);
  try {
    if ((await pendingMigrations(store)).length > 0) {
      throw new NotMigratedError(
        'the database is behind this version of Mandate: run `mandate migrate` first',
      );
    }
    return await work(createWorkspace(store, config));
  } finally {
    await store.close();
  }
}

/** Tells whether nobody set a database and there is none in its usual place: then this is no server's machine. */
export function isAbsent({ databaseUrl }: Pick<Config, 'databaseUrl'>): boolean {
  return databaseUrl === defaultDatabaseUrl && !existsSync(databaseUrl.slice('sqlite:'.length));
}

function createWorkspace(store: Store, { secret, previousSecrets }: Config): Workspace {
  const catalogue = readCatalogue(shippedFiles().capabilities);
  const base = { store, clock: systemClock, catalogue, secrets: createSecrets(secret, previousSecrets) };
  return { ...base, ...createStores(base), actor: { id: 'command' } };
}
