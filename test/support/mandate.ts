/** The whole server over real HTTP with the demo organization in it, on either engine. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { migrate } from '../../db/migrate.ts';
import { openDatabase, type Store } from '../../db/open.ts';
import { type App, type AppDependencies, createApp } from '../../src/app.ts';
import { readCatalogue } from '../../src/catalogue.ts';
import { developmentSecret, type TrustedProxySetting } from '../../src/config.ts';
import { createPasswords } from '../../src/directory/passwords.ts';
import { createTrustedProxies } from '../../src/http/client-address.ts';
import { createLog } from '../../src/operations/log.ts';
import { readBuiltInRoles } from '../../src/organization/built-in-roles.ts';
import { parseOrganization } from '../../src/organization/organization-file.ts';
import { createOrganizationImport } from '../../src/organization/organization-import.ts';
import { createSecrets } from '../../src/secrets.ts';
import { shippedFiles } from '../../src/shipped-files.ts';
import { createStores, type Stores } from '../../src/stores.ts';
import { type MovableClock, movableClock } from './clock.ts';
import { type Engine, freshDatabaseUrl } from './databases.ts';
import { freePort } from './free-port.ts';

/** Secrets of the demo organization (DESIGN §7). */
export const demo = {
  password: 'mandate-demo',
  api: 'http://localhost:4100/api',
  atlasFlows: 'http://localhost:4100/mcp/atlas',
  borealisReports: 'http://localhost:4100/mcp/borealis',
  apiServer: { id: 'acme-api', secret: 'acme-api-demo-secret-not-for-production' },
  mcpServer: { id: 'acme-mcp', secret: 'acme-mcp-demo-secret-not-for-production' },
  web: {
    id: 'acme-web',
    secret: 'acme-web-demo-secret-not-for-production',
    redirect: 'http://localhost:4100/callback',
  },
  ci: { id: 'acme-ci', secret: 'acme-ci-demo-secret-not-for-production' },
  cli: { id: 'mandate-cli' },
} as const;

export interface TestMandate {
  readonly issuer: string;
  readonly databaseUrl: string;
  readonly store: Store;
  readonly stores: Stores;
  readonly clock: MovableClock;
  readonly app: App;
  /** How many requests were parsed; others were answered ahead of it. */
  parsed(): number;
  /** Everything that was logged, as one text. */
  logged(): string;
  stop(): Promise<void>;
}

export interface MandateOptions {
  readonly engine?: Engine;
  /** Joins a database that another server uses; it is not dropped. */
  readonly databaseUrl?: string;
  /** Where the demo's API and MCP servers are, if not at localhost:4100. */
  readonly platformOrigin?: string;
  /** Shared by servers that must agree on the time. */
  readonly clock?: MovableClock;
  /** Whose X-Forwarded-For is believed; nobody's by default. */
  readonly trustedProxies?: TrustedProxySetting;
  /** How client metadata documents are had. */
  readonly metadataDocuments?: AppDependencies['metadataDocuments'];
  /** How mail leaves; none does otherwise. */
  readonly mail?: AppDependencies['mail'];
  /** Other providers that people may sign in through. */
  readonly upstreamProviders?: NonNullable<AppDependencies['upstreamProviders']>;
  /** Identity providers that may hand over in people's place. */
  readonly assertionIssuers?: NonNullable<AppDependencies['assertionIssuers']>;
  /** The age from which changes are deleted; they are kept for ever by default. */
  readonly auditRetentionDays?: number;
}

/** Starts a server on a free port. Its clock stands still at the real time until a test moves it. */
export async function startMandate(options: MandateOptions = {}): Promise<TestMandate> {
  const fresh = options.databaseUrl ? undefined : await freshDatabaseUrl(options.engine ?? 'sqlite');
  const databaseUrl = options.databaseUrl ?? fresh?.url ?? '';
  const store = await openDatabase(databaseUrl);
  await migrate(store);
  const clock = options.clock ?? movableClock();
  const secrets = createSecrets(developmentSecret);
  const files = shippedFiles();
  const catalogue = readCatalogue(files.capabilities);
  const stores = createStores({ store, clock, secrets, catalogue });
  if (fresh) {
    const text = readFileSync(files.demo, 'utf8').replaceAll(
      'http://localhost:4100',
      options.platformOrigin ?? 'http://localhost:4100',
    );
    const imports = createOrganizationImport({
      ...stores,
      store,
      catalogue,
      builtInRoles: readBuiltInRoles(files.roles, catalogue),
      passwords: createPasswords(),
    });
    const planned = await imports.plan(parseOrganization(text));
    if (planned.outcome === 'refused') throw new Error(planned.problem);
    await imports.apply({ id: 'system' }, planned.plan);
  }
  const lines: string[] = [];
  const log = createLog('debug', { write: (line: string) => void lines.push(line) });
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const root = dirname(dirname(files.capabilities));
  const app = await createApp({
    issuer,
    production: false,
    trustedProxies: createTrustedProxies(options.trustedProxies ?? { kind: 'hops', hops: 0 }),
    store,
    clock,
    secrets,
    catalogue,
    log,
    viewsRoot: join(root, 'views'),
    messagesRoot: join(root, 'config', 'messages'),
    demo: { loaded: true, platform: options.platformOrigin ?? 'http://localhost:4100' },
    metadataDocuments: options.metadataDocuments,
    mail: options.mail,
    upstreamProviders: options.upstreamProviders ?? [],
    assertionIssuers: options.assertionIssuers ?? [],
    auditRetentionDays: options.auditRetentionDays,
  });
  let parsed = 0;
  // As the real one has it: a connection does not end just when a test on a busy machine asks again on it.
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    parsed += 1;
    app.listener(request, response);
  });
  app.attend(server);
  await new Promise<void>((resolve) => void server.listen(port, resolve));
  return {
    issuer,
    databaseUrl,
    store,
    stores,
    clock,
    app,
    parsed: () => parsed,
    logged: () => lines.join(''),
    async stop() {
      await close(server);
      await app.settle();
      await store.close();
      await fresh?.drop();
    },
  };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
