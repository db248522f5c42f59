/** Wires real things: configuration, database, demo organization, sockets, timers, and their end. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { flushCompileCache } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { migrate } from '../db/migrate.ts';
import { openDatabase, type Store } from '../db/open.ts';
import { type App, createApp } from './app.ts';
import { readCatalogue } from './catalogue.ts';
import { systemClock } from './clock.ts';
import { type Config, ConfigurationError } from './config.ts';
import { createPasswords } from './directory/passwords.ts';
import { readBuiltInRoles } from './organization/built-in-roles.ts';
import { findDemoSecrets } from './organization/demo-secrets.ts';
import { emptyOrganization, readOrganizationFile } from './organization/organization-file.ts';
import { createOrganizationImport } from './organization/organization-import.ts';
import type { Catalogue } from './policy/vocabulary.ts';
import { createSecrets, type Secrets } from './secrets.ts';
import { settleMemory } from './settle-memory.ts';
import { shippedFiles } from './shipped-files.ts';
import { createStores } from './stores.ts';
import { welcomeText } from './welcome.ts';

export interface StartOptions {
  /** Load the demo organization into an empty database; by default outside production. */
  readonly demo?: boolean;
  /** Start the example platform along with the demo; by default where the demo is. */
  readonly platform?: boolean;
}

export interface RunningServer {
  readonly origin: string;
  /** Lets what is in flight end, then closes everything; at most ten seconds. */
  stop(): Promise<void>;
}

const platformPort = 4100;
const platformProgram = new URL('../examples/platform/main.ts', import.meta.url);
const collectEveryMilliseconds = 60_000;
const stopWithinMilliseconds = 10_000;
const settleAfterMilliseconds = 1_000;
/** A request's head and its whole have to arrive in these, so that slow clients hold nothing. */
const serverLimits = {
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 32 * 1_024,
};

/**
 * Starts the server.
 * @throws ConfigurationError when a production start finds a demo secret; NewerSchemaError; whatever keeps it from listening
 */
export async function startServer(config: Config, options: StartOptions = {}): Promise<RunningServer> {
  const log = pino({ level: config.logLevel });
  const store = await openDatabase(config.databaseUrl, (error) =>
    log.warn({ err: error }, 'a database connection failed'),
  );
  try {
    await migrate(store);
    const secrets = createSecrets(config.secret);
    const files = shippedFiles();
    const catalogue = readCatalogue(files.capabilities);
    const demo = await prepareOrganization(config, options, { store, secrets, catalogue });
    const platform =
      demo && options.platform !== false && existsSync(platformProgram)
        ? `http://localhost:${platformPort}`
        : undefined;
    const root = dirname(dirname(files.capabilities));
    const app = await createApp({
      ...config,
      store,
      clock: systemClock,
      secrets,
      catalogue,
      log,
      viewsRoot: join(root, 'views'),
      messagesRoot: join(root, 'config', 'messages'),
      demo: { loaded: demo, ...(platform ? { platform } : {}) },
    });
    const server = createServer(serverLimits, app.listener);
    await listen(server, config);
    const stopPlatform = platform ? startPlatform(config.issuer) : async () => {};
    const stopCollecting = collectRegularly(app, log);
    const settling = setTimeout(settle, settleAfterMilliseconds).unref();
    process.stdout.write(welcomeText({ issuer: config.issuer, demo, platform }));
    return {
      origin: config.issuer,
      async stop() {
        app.ready = false;
        clearTimeout(settling);
        stopCollecting();
        app.endStreams();
        await Promise.all([closeServer(server), stopPlatform()]);
        await app.settle();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Fills an empty database with the demo where it is wanted, and brings built-in roles up to date everywhere. @returns whether the demo is there */
async function prepareOrganization(
  config: Config,
  options: StartOptions,
  base: { store: Store; secrets: Secrets; catalogue: Catalogue },
): Promise<boolean> {
  const stores = createStores({ ...base, clock: systemClock });
  const files = shippedFiles();
  const readDemo = () => readOrganizationFile(files.demo);
  const passwords = createPasswords();
  if (config.production) {
    const found = await findDemoSecrets({ ...stores, demo: readDemo(), passwords });
    if (found.length > 0) {
      throw new ConfigurationError(
        found.map((what) => `${what} is the demo's, which everyone knows: change it`),
      );
    }
  }
  const empty = (await stores.users.list({ limit: 1 })).length === 0;
  const wanted = options.demo ?? !config.production;
  const imports = createOrganizationImport({
    ...base,
    ...stores,
    builtInRoles: readBuiltInRoles(files.roles, base.catalogue),
    passwords,
  });
  // Built-in roles follow the version at every start; an empty file mentions, and so changes, nothing else.
  const planned = await imports.plan(empty && wanted ? readDemo() : emptyOrganization);
  if (planned.outcome === 'refused')
    throw new Error(`the organization cannot be prepared: ${planned.problem}`);
  if (planned.plan.entries.some(({ action }) => action !== 'unchanged')) {
    const applied = await imports.apply({ id: 'system' }, planned.plan);
    // Another node that starts at the same time has just done the same.
    if (applied.outcome === 'refused')
      throw new Error(`the organization cannot be prepared: ${applied.problem}`);
  }
  return wanted && !config.production && (await stores.users.findByEmail('owner@acme.test')) !== undefined;
}

/**
 * Starts the example platform as the separate server that it is. It is not part of the product: it is there in a clone, and a
 * build does without.
 * @returns what stops it
 */
function startPlatform(issuer: string): () => Promise<void> {
  const child = spawn(
    process.execPath,
    [
      fileURLToPath(platformProgram),
      '--port',
      String(platformPort),
      '--issuer',
      issuer,
      '--until-input-ends',
    ],
    { stdio: ['pipe', 'ignore', 'inherit'] },
  );
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  return async () => {
    child.stdin.end();
    child.kill('SIGTERM');
    await ended;
  };
}

/** What a start leaves to do once the first questions are answered. */
function settle(): void {
  flushCompileCache();
  settleMemory();
}

function collectRegularly(app: App, log: pino.Logger): () => void {
  const timer = setInterval(() => {
    app.garbage
      .collect()
      .catch((error: unknown) => log.warn({ err: error }, 'garbage could not be collected'));
  }, collectEveryMilliseconds);
  timer.unref();
  return () => clearInterval(timer);
}

function listen(server: Server, { port, host }: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host ? { host } : {}) }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), stopWithinMilliseconds);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
