/** Nodes of one deployment without their sockets: each has its own connections, its own memory, and the plain reading beside it. */
import { hash } from 'node:crypto';
import { migrate } from '../../../db/migrate.ts';
import { openDatabase, type Store } from '../../../db/open.ts';
import { readCatalogue } from '../../../src/catalogue.ts';
import { createChangeLedger } from '../../../src/changes/change-ledger.ts';
import { createFreshness } from '../../../src/changes/freshness.ts';
import { developmentSecret } from '../../../src/config.ts';
import { createPasswords } from '../../../src/directory/passwords.ts';
import { withApiKeys } from '../../../src/introspection/api-key.ts';
import { createCallerAuthentication } from '../../../src/introspection/caller.ts';
import { createLiveView } from '../../../src/introspection/live-view.ts';
import { createPlainView } from '../../../src/introspection/plain-view.ts';
import { createTokenSource } from '../../../src/introspection/token.ts';
import { createAuthorizationRights } from '../../../src/oauth/authorization-rights.ts';
import { readBuiltInRoles } from '../../../src/organization/built-in-roles.ts';
import { readOrganizationFile } from '../../../src/organization/organization-file.ts';
import { createOrganizationImport } from '../../../src/organization/organization-import.ts';
import { createSecrets } from '../../../src/secrets.ts';
import { shippedFiles } from '../../../src/shipped-files.ts';
import { createStores, type Stores } from '../../../src/stores.ts';
import type { MovableClock } from '../../support/clock.ts';

/** Who asks, with what it shows. */
export interface Caller {
  readonly name: string;
  readonly secret: string;
}

/** `refused` when the caller is not authenticated. */
export type Answered = string;

export interface Node {
  readonly store: Store;
  readonly stores: Stores;
  /** Answers as the fast path does: proof, memory, reading. */
  live(caller: Caller, token: string): Promise<Answered>;
  /** Answers by reading everything now. */
  plain(caller: Caller, token: string): Promise<Answered>;
  close(): Promise<void>;
}

const files = shippedFiles();
const catalogue = readCatalogue(files.capabilities);
const secrets = createSecrets(developmentSecret);

/** Opens a node. @param mostBytes what it may remember */
export async function openNode(url: string, clock: MovableClock, mostBytes?: number): Promise<Node> {
  const store = await openDatabase(url);
  await migrate(store);
  // What is compared here does not depend on the disk.
  store.sqlite?.writer.pragma('synchronous = OFF');
  const base = { store, clock, secrets, catalogue };
  const stores = createStores(base);
  const ledger = createChangeLedger();
  const freshness = createFreshness({ store, ledger });
  const callers = createCallerAuthentication({
    ...stores,
    issuer: 'http://localhost',
    clock,
    rememberOnce: async () => true,
  });
  const deps = {
    ...stores,
    issuer: 'http://localhost',
    tokens: withApiKeys(createTokenSource(base), stores.apiKeys),
    rights: createAuthorizationRights({ ...stores, clock }),
  };
  const plain = createPlainView(deps);
  const view = createLiveView({ ...deps, ledger, freshness, clock, ...(mostBytes ? { mostBytes } : {}) });
  const authenticate = async ({ name, secret }: Caller) => {
    const header = `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`;
    const outcome = await callers.authenticate(header, new Map());
    return outcome.kind === 'caller' ? outcome.server : undefined;
  };
  return {
    store,
    stores,
    async live(caller, token) {
      await new Promise<void>((resolve, reject) => {
        freshness.prove((failure) => (failure === undefined ? resolve() : reject(failure)));
      });
      const key = `${caller.name} ${caller.secret}`;
      const question = hash('sha256', `${key} ${token}`, 'base64');
      const proof = { key, authenticate: () => authenticate(caller) };
      const found = view.recall(question) ?? (await view.find(question, proof, token));
      return found === undefined ? 'refused' : typeof found === 'string' ? found : found.body;
    },
    async plain(caller, token) {
      const server = await authenticate(caller);
      return server ? plain.answer(server, token) : 'refused';
    },
    close: () => store.close(),
  };
}

/** Loads the demo organization into an empty database. */
export async function loadDemo({ store, stores }: Node): Promise<void> {
  const imports = createOrganizationImport({
    ...stores,
    store,
    catalogue,
    builtInRoles: readBuiltInRoles(files.roles, catalogue),
    passwords: createPasswords(),
  });
  const planned = await imports.plan(readOrganizationFile(files.demo));
  if (planned.outcome === 'refused') throw new Error(planned.problem);
  await imports.apply({ id: 'system' }, planned.plan);
}

export const capabilities: readonly string[] = [...catalogue.keys()];
