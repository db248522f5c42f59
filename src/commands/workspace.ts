import { pendingMigrations } from '../../db/migrate.ts';
import { openDatabase, type Store } from '../../db/open.ts';
import { type AuthorizationStore, createAuthorizationStore } from '../authorizations/authorization-store.ts';
import { type Actor, createChangeLog } from '../changes/change-log.ts';
import { createClientStore } from '../clients/client-store.ts';
import { createResourceServerStore } from '../clients/resource-server-store.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { createMcpServerStore } from '../directory/mcp-server-store.ts';
import { createProjectStore } from '../directory/project-store.ts';
import { createRoleStore } from '../directory/role-store.ts';
import { createUserStore } from '../directory/user-store.ts';
import type { ImportStores } from '../organization/import-steps.ts';
import { createSecrets } from '../secrets.ts';

/** What a command works on. */
export interface Workspace extends ImportStores {
  readonly store: Store;
  readonly clock: Clock;
  /** Who the log of changes names. */
  readonly actor: Actor;
  readonly authorizations: AuthorizationStore;
}

/** The database has to be migrated before a command can work on it. */
export class NotMigratedError extends Error {
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

function createWorkspace(store: Store, config: Config): Workspace {
  const clock = systemClock;
  const deps = { store, clock, changes: createChangeLog({ clock }), secrets: createSecrets(config.secret) };
  return {
    store,
    clock,
    actor: { id: 'command' },
    users: createUserStore(deps),
    roles: createRoleStore(deps),
    projects: createProjectStore(deps),
    mcpServers: createMcpServerStore(deps),
    clients: createClientStore(deps),
    resourceServers: createResourceServerStore(deps),
    authorizations: createAuthorizationStore(deps),
  };
}
