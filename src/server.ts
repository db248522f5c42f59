/** Wires real things: configuration, database, demo organization, sockets, timers, and their end. */
import { createServer, type Server } from 'node:http';
import { flushCompileCache } from 'node:module';
import { Server as Listener } from 'node:net';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { openDatabase, type Store, serverPatienceMilliseconds } from '../db/open.ts';
import { type App, createApp } from './app.ts';
import { readAssertionIssuers } from './assertion-settings.ts';
import { readCatalogue } from './catalogue.ts';
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { createTrustedProxies } from './http/client-address.ts';
import { keepTicksCheap } from './keep-ticks-cheap.ts';
import type { MailRoute } from './mail/transport.ts';
import { createLog } from './operations/log.ts';
import type { ProcessChannel } from './operations/process-metrics.ts';
import { platformOrigin, startPlatform } from './platform-process.ts';
import { hasDemo, prepareDatabase } from './prepare-database.ts';
import { createSecrets } from './secrets.ts';
import { settleMemory } from './settle-memory.ts';
import { shippedFiles } from './shipped-files.ts';
import { createStores } from './stores.ts';
import { readUpstreamProviders } from './upstream-settings.ts';
import { welcomeText } from './welcome.ts';

export interface StartOptions {
  /** Load the demo organization into an empty database; by default outside production. */
  readonly demo?: boolean;
  /** Start the example platform along with the demo; by default where the demo is. */
  readonly platform?: boolean;
}

export interface RunningServer {
  readonly origin: string;
  /** Says in /readyz from now on that it is about to stop; answers all the same. */
  drain(): void;
  /** Lets what is in flight end, then closes everything; at most ten seconds. */
  stop(): Promise<void>;
}

const collectEveryMilliseconds = 60_000;
const stopWithinMilliseconds = 10_000;
/** A connection that is idle at the end is kept for this long: its next request may be on its way. */
const lingerMilliseconds = 500;
const settleAfterMilliseconds = 1_000;
/** A request's head and its whole have to arrive in these, so that slow clients hold nothing. */
const serverLimits = {
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  // Looked at this often; the default would let a slow client have half a minute more.
  connectionsCheckingInterval: 2_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 32 * 1_024,
};

/**
 * Starts the whole server in this process.
 * @throws ConfigurationError when a production start finds a demo secret; NewerSchemaError; whatever keeps it from listening
 */
export function startServer(config: Config, options: StartOptions = {}): Promise<RunningServer> {
  return withDatabase(config, async (store, log) => {
    const wanted = demoWanted(config, options);
    await prepareDatabase(config, store, wanted);
    const running = await serve(config, options, { store, log, tends: () => true });
    const { demo, platform } = running;
    const stopPlatform = platform ? startPlatform(config.issuer) : async () => {};
    process.stdout.write(welcomeText({ issuer: config.issuer, demo, platform }));
    return {
      origin: config.issuer,
      drain: running.drain,
      stop: async () => void (await Promise.all([running.stop(), stopPlatform()])),
    };
  });
}

/**
 * Starts one of several processes that serve alike, on a database that was prepared (`workers.ts`).
 * @param tends asked whenever something is due that is done once for all of them, such as collecting garbage
 */
export function startWorker(
  config: Config,
  options: StartOptions,
  tends: () => boolean,
): Promise<RunningServer> {
  return withDatabase(config, async (store, log) => {
    const channel: ProcessChannel = {
      send: (message) => void process.send?.(message),
      listen: (heard) => void process.on('message', heard),
    };
    const { drain, stop } = await serve(config, options, { store, log, tends, channel });
    return { origin: config.issuer, drain, stop };
  });
}

async function withDatabase(
  config: Config,
  start: (store: Store, log: Logger) => Promise<RunningServer>,
): Promise<RunningServer> {
  const log = createLog(config.logLevel);
  const store = await openDatabase(config.databaseUrl, {
    onError: (error) => log.warn({ err: error }, 'a database connection failed'),
    patienceMilliseconds: serverPatienceMilliseconds,
  });
  try {
    return await start(store, log);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Serves from a prepared database. */
async function serve(
  config: Config,
  options: StartOptions,
  {
    store,
    log,
    tends,
    channel,
  }: { store: Store; log: Logger; tends: () => boolean; channel?: ProcessChannel },
) {
  keepTicksCheap();
  const secrets = createSecrets(config.secret, config.previousSecrets);
  const files = shippedFiles();
  const catalogue = readCatalogue(files.capabilities);
  const stores = createStores({ store, secrets, catalogue, clock: systemClock });
  const demo = await hasDemo(config, stores, demoWanted(config, options));
  const platform = demo && options.platform !== false ? platformOrigin : undefined;
  const root = dirname(dirname(files.capabilities));
  const app = await createApp({
    ...config,
    trustedProxies: createTrustedProxies(config.trustedProxies),
    ...(channel && { channel }),
    store,
    clock: systemClock,
    secrets,
    catalogue,
    log,
    viewsRoot: join(root, 'views'),
    messagesRoot: join(root, 'config', 'messages'),
    demo: { loaded: demo, ...(platform ? { platform } : {}) },
    mail: { ...config.mail, route: mailRoute(config) },
    upstreamProviders: readUpstreamProviders(config.upstreamFile, config.production),
    assertionIssuers: await readAssertionIssuers(config.assertionIssuersFile, {
      ...config,
      capabilities: catalogue.keys(),
    }),
  });
  const server = createServer(serverLimits, (request, response) => {
    // Whoever keeps its connection is told with the next answer to make another one, elsewhere.
    if (!app.ready) response.shouldKeepAlive = false;
    app.listener(request, response);
  });
  app.attend(server);
  await listen(server, config);
  const stopCollecting = collectRegularly(app, tends, log);
  const settling = setTimeout(() => void settle(app, log), settleAfterMilliseconds).unref();
  return {
    demo,
    platform,
    drain() {
      app.ready = false;
    },
    async stop() {
      app.ready = false;
      clearTimeout(settling);
      stopCollecting();
      app.endStreams();
      await closeServer(server, app.unparsed);
      await app.settle();
      await store.close();
    },
  };
}

/** Development shows its mail in a folder; production without an SMTP server sends none. */
function mailRoute({ mail: { smtpUrl }, production }: Config): MailRoute {
  if (smtpUrl !== undefined) return { kind: 'smtp', url: smtpUrl };
  return production ? { kind: 'none' } : { kind: 'folder', path: 'data/mail' };
}

const demoWanted = (config: Config, options: StartOptions) => options.demo ?? !config.production;

/** What a start leaves to do once the first questions are answered. */
async function settle(app: App, log: Logger): Promise<void> {
  await app.prepare().catch((error: unknown) => log.warn({ err: error }, 'pages could not be made ready'));
  flushCompileCache();
  settleMemory();
}

function collectRegularly(app: App, tends: () => boolean, log: Logger): () => void {
  const timer = setInterval(() => {
    if (!tends()) return;
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

/**
 * Takes no new connections, and lets those that are open end with an answer rather than without one.
 * @param unparsed how many requests are being answered on connections that the server takes for idle
 */
function closeServer(server: Server, unparsed: () => number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), stopWithinMilliseconds);
    // Both right after the system was asked for what has come. On a connection that looks idle a request may have arrived while the process
    // was at something else, and one that nobody has taken yet ends with the socket.
    const leave = setInterval(() => {
      setImmediate(() => {
        if (unparsed() === 0) server.closeIdleConnections();
      });
    }, lingerMilliseconds);
    setImmediate(() => {
      // An HTTP server's own close also ends idle connections at once, on which a request may be under way.
      Listener.prototype.close.call(server, () => {
        clearTimeout(cut);
        clearInterval(leave);
        resolve();
      });
    });
  });
}
