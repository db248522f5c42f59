/**
 * What token requests read of clients, accounts, resources and rights, remembered for as long as nothing of it has changed.
 * Owns what each of these depends on; does not own the proof that every change is known (`changes/freshness.ts`). A request makes that
 * proof once, after it has come, so it acts on nothing older than what reading everything anew would have found at that moment.
 *
 * Whatever a request writes it does in a transaction of its own, with the conditions that must hold then; nothing there is remembered.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Store } from '../../db/open.ts';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import { createChangeLedger, type SubjectKey } from '../changes/change-ledger.ts';
import { createFreshness } from '../changes/freshness.ts';
import type { ClientStore } from '../clients/client-store.ts';
import type { ResourceServerStore } from '../clients/resource-server-store.ts';
import type { Clock } from '../clock.ts';
import type { McpServerStore } from '../directory/mcp-server-store.ts';
import type { UserStore } from '../directory/user-store.ts';
import type { AuthorizationRights, Rights } from '../oauth/authorization-rights.ts';
import { subjectsOf } from './live-view.ts';
import { createPartCache } from './part-cache.ts';

interface Sources {
  readonly users: UserStore;
  readonly clients: ClientStore;
  readonly authorizations: AuthorizationStore;
  readonly resourceServers: ResourceServerStore;
  readonly mcpServers: McpServerStore;
  readonly rights: AuthorizationRights;
}

export interface RememberedReads {
  /** Runs a request whose reads may be remembered; everywhere else the sources read as they always do. */
  within<T>(request: () => Promise<T>): Promise<T>;
  /** The same sources. */
  readonly sources: Sources;
}

const notToBeKept = Number.POSITIVE_INFINITY;

export function createRememberedReads(deps: Sources & { store: Store; clock: Clock }): RememberedReads {
  const { users, clients, authorizations, resourceServers, mcpServers, rights, clock } = deps;
  const ledger = createChangeLedger();
  const freshness = createFreshness({ store: deps.store, ledger });
  const running = new AsyncLocalStorage<{ proof: Promise<void> | undefined; holds: boolean }>();

  /** @returns false outside of a request that may remember */
  const proved = async (): Promise<boolean> => {
    const request = running.getStore();
    if (!request) return false;
    if (request.holds) return true;
    await deps.store.wait(() => {
      request.proof ??= new Promise((resolve, reject) => {
        freshness.prove((failure) => (failure === undefined ? resolve() : reject(failure)));
      });
      return request.proof;
    });
    request.holds = true;
    return true;
  };

  /**
   * Makes a look-up remember what it finds; what is not there is looked for again.
   * @param describe what it depends on, and about how many bytes it takes
   */
  const remember = <Value>(
    megabytes: number,
    read: (key: string) => Promise<Value | undefined>,
    describe: (value: Value, key: string) => { subjects: readonly SubjectKey[]; bytes: number },
    isTimely?: (value: Value) => boolean,
  ) => {
    const cache = createPartCache<Value>(ledger, megabytes * 1_024 * 1_024, isTimely);
    return async (key: string): Promise<Value | undefined> => {
      if (!(await proved())) return read(key);
      const found =
        cache.known(key) ??
        (await cache.find(key, async () => {
          const value = await read(key);
          return value === undefined ? undefined : { value, ...describe(value, key) };
        }));
      return found?.value;
    };
  };

  const findClient = remember(4, clients.find, ({ kind }, id) => ({
    subjects: [`client:${id}`],
    // When a metadata document was last had is noted without a change.
    bytes: kind === 'metadata_document' ? notToBeKept : 3_000,
  }));
  const findUser = remember(2, users.findById, ({ id }) => ({ subjects: [`user:${id}`], bytes: 600 }));
  const findByClient = remember(
    2,
    (clientId) => authorizations.findByClient(clientId),
    () => ({ subjects: ['authorization:*'], bytes: 2_000 }),
  );
  // That a resource is no MCP server's is worth remembering too.
  const findByResource = remember(
    1,
    async (resource) => ({ server: await mcpServers.findByResource(resource) }),
    () => ({ subjects: ['mcp_server:*', 'project:*'], bytes: 800 }),
  );
  const audiences = remember(1, resourceServers.audiences, (found) => ({
    // A project that is deleted takes the resources of its MCP servers along.
    subjects: ['resource_server:*', 'mcp_server:*', 'project:*'],
    bytes: 200 + 100 * found.length,
  }));
  const rightsOf = remember<Rights>(
    8,
    rights.of,
    (read) => ({
      subjects: subjectsOf(read),
      // What has ended by time alone is not remembered: no change would tell that the clock was put back.
      bytes:
        read.granted.standing === 'expired'
          ? notToBeKept
          : 4_000 + 500 * (read.world.projects.size + read.world.mcpServers.size),
    }),
    ({ limits: { since, until }, authorization: { expiresAt } }) =>
      since <= clock.now() && clock.now() < Math.min(until, expiresAt ?? Number.POSITIVE_INFINITY),
  );

  return {
    within: (request) => running.run({ proof: undefined, holds: false }, request),
    sources: {
      users: { ...users, findById: findUser },
      clients: { ...clients, find: findClient },
      authorizations: {
        ...authorizations,
        findByClient: (id, db) => (db ? authorizations.findByClient(id, db) : findByClient(id)),
      },
      mcpServers: {
        ...mcpServers,
        findByResource: async (resource) => (await findByResource(resource))?.server,
      },
      resourceServers: {
        ...resourceServers,
        audiences: async () => (await audiences('')) ?? [],
      },
      rights: { of: rightsOf },
    },
  };
}
