/**
 * The whole server as one request listener: which parts there are and in which order a request meets them. Owns no rule and no
 * socket; `server.ts` hands real things in, tests hand in theirs.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type Koa from 'koa';
import type { Logger } from 'pino';
import type { Store } from '../db/open.ts';
import { createAccount } from './account/account.ts';
import { createAccountMail } from './account/account-mail.ts';
import { createConsentProof } from './account/consent-proof.ts';
import { createSignInRoutes } from './account/sign-in-routes.ts';
import { createStepUp } from './account/step-up.ts';
import { apiResource } from './admin/api/api-root.ts';
import { createLastUseRecorder } from './authorizations/last-use.ts';
import { createChangeFeed } from './changes/change-feed.ts';
import { createChangeStream } from './changes/change-stream.ts';
import { createPublicHttps } from './clients/metadata-document-transport.ts';
import { type Clock, monotonicMilliseconds as monotonic } from './clock.ts';
import type { Config } from './config.ts';
import { countHashing } from './directory/count-hashing.ts';
import { createPasswords } from './directory/passwords.ts';
import { asideFrom } from './http/aside-from.ts';
import { createBurstLimits } from './http/burst-limits.ts';
import { inOriginForm, pinHost, refuseOtherHost, refuseTwoHosts } from './http/canonical-host.ts';
import { clientAddress, type TrustedProxies } from './http/client-address.ts';
import { cookieNames } from './http/cookie-names.ts';
import { countRefusals } from './http/count-refusals.ts';
import { refuseOtherCharsets } from './http/form-charset.ts';
import { oneSpelling } from './http/one-spelling.ts';
import { createPages } from './http/pages.ts';
import { createRateLimits } from './http/rate-limit.ts';
import { createRequestLimits } from './http/request-limits.ts';
import { createSecurityHeaders } from './http/security-headers.ts';
import { createStartRoutes } from './http/start-routes.ts';
import { oneEachTurn } from './http/take-turns.ts';
import { createBrowserSessions } from './interaction/browser-session.ts';
import { createConsentTerms } from './interaction/consent-terms.ts';
import { createConsentWriter } from './interaction/consent-writer.ts';
import { createTokenCount } from './interaction/count-tokens.ts';
import { crossOriginAnswers } from './interaction/cross-origin-answers.ts';
import { createDevicePages } from './interaction/device-pages.ts';
import {
  createCodeEntry,
  createCompletion,
  createLastResort,
  createUnitMiddleware,
  registrationCors,
} from './interaction/engine-middleware.ts';
import { createInstalls } from './interaction/install.ts';
import { createNativeReturn } from './interaction/native-return.ts';
import { readySignInPages } from './interaction/ready-pages.ts';
import { createSignedOutAlready } from './interaction/return-after-sign-out.ts';
import { createInteractionRoutes } from './interaction/routes.ts';
import { createSessionPages } from './interaction/session-pages.ts';
import { createUserCodeGuesses } from './interaction/user-code-guesses.ts';
import { createWaysIn } from './interaction/ways-in.ts';
import { createAdministrationTokens } from './introspection/administration-token.ts';
import { withApiKeys } from './introspection/api-key.ts';
import { createCallerAuthentication } from './introspection/caller.ts';
import { createChangeStreamEndpoint } from './introspection/change-stream-endpoint.ts';
import { createIntrospectionListener } from './introspection/listener.ts';
import { createProbing } from './introspection/probing.ts';
import { createRememberedReads } from './introspection/remembered-reads.ts';
import { createTokenSource } from './introspection/token.ts';
import { createUsesEndpoint } from './introspection/uses-endpoint.ts';
import { createVisibleUses } from './introspection/visible-uses.ts';
import type { Mail, MailSettings } from './mail/mail.ts';
import type { AssertionIssuer } from './oauth/assertion-issuer.ts';
import { createAuthorizationRights } from './oauth/authorization-rights.ts';
import type { GarbageCollector } from './oauth/collect-garbage.ts';
import { createDevicePolling } from './oauth/device-flow.ts';
import { createKeyRing } from './oauth/key-ring.ts';
import { createProvider, type MetadataDocumentOptions } from './oauth/provider.ts';
import { createRegistrationManagement } from './oauth/registration-management.ts';
import { createResources } from './oauth/resources.ts';
import { createSigningKeys } from './oauth/signing-keys.ts';
import { tidyAuthorizationQuery } from './oauth/tidy-scope.ts';
import { createUnitsOfWork } from './oauth/unit-of-work.ts';
import { once } from './once.ts';
import { createOperations } from './operations/operations.ts';
import type { ProcessChannel } from './operations/process-metrics.ts';
import type { Catalogue } from './policy/vocabulary.ts';
import type { Secrets } from './secrets.ts';
import { createEventPush } from './security-events/push.ts';
import { createSignEvent } from './security-events/sign-event.ts';
import { readVersion } from './shipped-files.ts';
import type { UpstreamProvider } from './sign-in/upstream-provider.ts';
import { createStores } from './stores.ts';
import { createUpkeep, type UpkeepSettings } from './upkeep.ts';

/** Settings that a test may leave out, beside what is handed in. */
export interface AppDependencies
  extends Partial<UpkeepSettings & Pick<Config, 'metricsToken' | 'traces' | 'cacheBytes'>> {
  readonly issuer: string;
  readonly production: boolean;
  readonly trustedProxies: TrustedProxies;
  readonly store: Store;
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly catalogue: Catalogue;
  readonly log: Logger;
  /** Folder of the templates and of the stylesheet. */
  readonly viewsRoot: string;
  /** Folder of the message catalogues. */
  readonly messagesRoot: string;
  /** What the start page may tell about the demo. */
  readonly demo: { readonly loaded: boolean; readonly platform?: string };
  readonly metadataDocuments?: MetadataDocumentOptions | undefined;
  /** How mail leaves; none does when absent. */
  readonly mail?: MailSettings | undefined;
  /** To the supervisor, where several processes serve side by side. */
  readonly channel?: ProcessChannel;
  /** Other OpenID providers that people may sign in through. */
  readonly upstreamProviders?: readonly UpstreamProvider[];
  /** Identity providers that may hand over in people's place. */
  readonly assertionIssuers?: readonly AssertionIssuer[];
}

export interface App {
  readonly listener: (request: IncomingMessage, response: ServerResponse) => void;
  /** Takes what it can of a server's requests ahead of their parsing; the rest comes to the listener. */
  attend(server: Server): void;
  /** How many requests are being answered that the server itself does not know of. */
  unparsed(): number;
  readonly garbage: GarbageCollector;
  /** Makes ready what the first person would wait for, and everybody else with them; soon after the start. */
  prepare(): Promise<void>;
  /** Sends by itself what is due; a test need not wait for it. */
  readonly mail: Pick<Mail, 'sendDue'>;
  /** Ends the change streams, which would end by themselves only when their listeners leave; before connections are waited for. */
  endStreams(): void;
  /** Writes what is only noted so far; before the database is closed. */
  settle(): Promise<void>;
  /** Set to false when the server begins to stop, so that nobody sends it new work. */
  ready: boolean;
}

export async function createApp(deps: AppDependencies): Promise<App> {
  const { issuer, store, clock, secrets, log, trustedProxies } = deps;
  const stores = createStores(deps);
  const operations = createOperations({ ...deps, ...stores, version: readVersion(), monotonic });
  const { tally, mails, pushes } = operations;
  const units = createUnitsOfWork({ store });
  const limits = countRefusals(createRateLimits(deps), operations.refusals);
  const bursts = createBurstLimits({ limits, clock });
  const resources = createResources({ ...stores, administration: apiResource(issuer) });
  const rights = createAuthorizationRights({ ...stores, clock });

  const { assets, messages, renderer, pages } = createPages(deps);
  const guesses = createUserCodeGuesses({
    limits,
    trustedProxies,
    sessionCookie: cookieNames(issuer).session,
  });

  const keys = createSigningKeys({ ...deps, ...stores });
  const loaded = await keys.load();
  const reads = createRememberedReads({ ...deps, ...stores, rights });
  const tokens = withApiKeys(createTokenSource(deps), stores.apiKeys);
  const provider = createProvider({
    ...deps,
    ...stores,
    ...reads.sources,
    subjectTokens: tokens,
    signingKeys: loaded.map(({ jwk }) => jwk),
    resources: createResources({ ...reads.sources, administration: apiResource(issuer) }),
    units,
    limits,
    bursts,
    pages: {
      ...createDevicePages({ ...stores, pages, clock, trustedProxies, guesses }),
      ...createSessionPages({ ...stores, pages }),
    },
    actorOf: (ctx) => ({
      id: ctx.oidc.client
        ? `client:${ctx.oidc.client.clientId}`
        : (ctx.oidc.session?.accountId ?? 'anonymous'),
      origin: clientAddress(ctx.req, trustedProxies),
    }),
  });
  provider.on('server_error', (ctx, error) => {
    ctx.state.serverError = error;
  });
  const koa = provider as unknown as Koa;
  koa.on('error', (error) => log.warn({ err: error }, 'a connection failed'));
  pinHost(koa, issuer);

  const registered = createRegistrationManagement({ ...deps, ...stores, provider, units, limits });
  const passwords = countHashing(createPasswords());
  const secure = issuer.startsWith('https:');
  const sessions = createBrowserSessions({ ...deps, ...stores, provider, secure, units });
  const waysIn = createWaysIn({ ...deps, ...stores, passwords, limits, pages, tally, units });
  const { signIn, passkeys, knownBrowsers, upstream, upstreamSteps, signInFlow } = waysIn;
  const stepUp = createStepUp({
    ...deps,
    ...stores,
    knownBrowsers,
    sessions,
    signIn,
    passkeys,
    limits,
    pages,
  });
  const interaction = createInteractionRoutes({
    ...deps,
    ...stores,
    provider,
    pages,
    resources,
    signInFlow,
    consentWriter: createConsentWriter({ ...stores, provider, units, catalogue: deps.catalogue }),
    consentTerms: createConsentTerms(stores),
    consentProof: createConsentProof({ ...deps, ...stores, sessions, pages, stepUp }),
    installs: createInstalls({ secrets, issuer }),
  });
  const { mail, invitations, linkRoutes } = createAccountMail({
    ...deps,
    ...stores,
    ...{ passwords, sessions, pages, limits, messages, upstreamSteps, mails },
  });
  const signInRoutes = createSignInRoutes({ ...deps, ...stores, upstream, sessions, signInFlow, pages });
  const account = createAccount({
    ...deps,
    ...stores,
    rights,
    passwords,
    sessions,
    signIn,
    pages,
    resources,
    limits,
    passkeys,
    upstreamSteps,
    stepUp,
    knownBrowsers,
    units,
  });
  const resource = apiResource(issuer);
  const administrationTokens = createAdministrationTokens({ ...stores, resource, tokens, rights });
  // Loaded when somebody administers: a server that only answers tools does without its memory.
  const administration = once(async () => {
    const { createAdmin } = await import('./admin/admin.ts');
    const { createDoctor } = await import('./doctor/doctor.ts');
    const doctor = createDoctor({
      ...stores,
      issuer,
      https: createPublicHttps(deps.metadataDocuments?.internet),
    });
    return createAdmin({
      administrationTokens,
      onUse: (id, address) => lastUse.note(id, 'mandate', address),
      ...deps,
      ...stores,
      rights,
      passwords,
      sessions,
      messages,
      pages,
      stepUp,
      doctor,
      eventPush,
      invitations,
      mail,
    });
  });
  const start = createStartRoutes({ issuer, demo: deps.demo, pages, account });

  koa.use(oneSpelling);
  koa.use(createSecurityHeaders({ https: issuer.startsWith('https:') }));
  koa.use(crossOriginAnswers);
  koa.use(createLastResort({ pages, log }));
  koa.use(assets.middleware);
  koa.use(createTokenCount(tally));
  koa.use(createKeyRing({ provider, keys, loaded, clock, monotonic, store }).middleware);
  koa.use(registrationCors);
  koa.use(refuseOtherCharsets);
  koa.use(
    createRequestLimits({ bursts, pages, trustedProxies, sessionCookie: provider.cookieName('session') }),
  );
  koa.use(tidyAuthorizationQuery);
  koa.use(createUnitMiddleware({ units, trustedProxies }));
  koa.use((ctx, next) => (ctx.path === '/token' ? reads.within(next) : next()));
  koa.use(createCodeEntry({ pages, guesses }));
  koa.use(createCompletion({ ...deps, devicePolling: createDevicePolling({ ...deps, units }) }));
  const administer: Koa.Middleware = async (ctx, next) => {
    if (!/^\/(admin|api)(\/|$)/.test(ctx.path)) return next();
    const admin = await administration();
    const [api, adminPages] = [admin.api, admin.pages].map(
      (router) => router.routes() as unknown as Koa.Middleware,
    );
    return api?.(ctx, async () => adminPages?.(ctx, next));
  };
  const routers = [registered, start, interaction, signInRoutes, linkRoutes, ...account];
  koa.use(
    asideFrom('/token', [
      createNativeReturn({ ...stores, pages }),
      createSignedOutAlready({ ...stores, pages }),
      ...routers.map((router) => router.routes() as unknown as Koa.Middleware),
      administer,
    ]),
  );

  const lastUse = createLastUseRecorder({
    ...deps,
    onFailure: (error) => log.warn({ err: error }, 'last uses could not be written'),
  });
  const callers = createCallerAuthentication({
    ...stores,
    issuer,
    clock,
    rememberOnce: async (key, expiresAt) => {
      const once = { name: 'assertion', points: 1, windowSeconds: Math.max(1, expiresAt - clock.now()) };
      return (await limits.take(once, key)).kind === 'allowed';
    },
  });
  const introspection = createIntrospectionListener({
    ...stores,
    issuer,
    store,
    clock,
    rights,
    tokens,
    onUse: (authorizationId, caller, request) =>
      lastUse.note(authorizationId, caller, clientAddress(request, trustedProxies)),
    callers,
    probing: createProbing({
      bursts,
      onProbing: (about) => log.warn(about, 'a resource server asks about too many unknown tokens'),
    }),
    mostBytes: deps.cacheBytes,
    instruments: operations.introspection,
    open: () => app.ready,
    monotonic,
    onFailure: (error) => log.warn({ err: error }, 'introspection could not be answered'),
  });
  // A page takes milliseconds where an introspection takes microseconds. Tokens share a commit the better the more begin at once.
  const engine = oneEachTurn(provider.callback(), { unless: '/token', before: introspection.hurry });
  const feed = createChangeFeed(deps);
  const { guardedBy } = stores.resourceServers;
  const onFailure = (error: unknown) => log.warn({ err: error }, 'changes could not be told');
  const stream = createChangeStream({ ...deps, feed, monotonic, guardedBy, onFailure });
  const changes = createChangeStreamEndpoint({ ...stores, callers, feed, stream, monotonic, onFailure });

  const eventPush = createEventPush({
    ...deps,
    ...stores,
    ...{ feed, rights, pushes },
    sign: createSignEvent({ signingKeys: keys }),
    onFailure: (error) => log.warn({ err: error }, 'security events could not be pushed'),
  });

  const uses = createUsesEndpoint({
    callers,
    uses: stores.authorizationUses,
    visible: createVisibleUses({ ...stores, store, clock, rights }),
    counters: operations.uses,
    onFailure: (error) => log.warn({ err: error }, 'uses could not be kept'),
  });

  const garbage = createUpkeep({ ...deps, stores, keys });
  const { attend, underWay: unparsed } = introspection;
  const app: App = {
    ...{ listener, attend, unparsed, garbage, mail, settle },
    prepare: () => readySignInPages(renderer),
    endStreams: stream.end,
    ready: true,
  };
  const watch = operations.watch({
    hashing: passwords.underWay,
    streams: () => stream.count(),
    ready: () => app.ready,
  });
  const stopSending = mail.start();
  const stopPushing = eventPush.start();
  return app;

  async function settle(): Promise<void> {
    await Promise.all([stopSending(), stopPushing(), lastUse.flush(), watch.settle()]);
  }

  function listener(request: IncomingMessage, response: ServerResponse): void {
    if (introspection.take(request, response)) return;
    store.within(() => serve(request, response), { until: () => response.headersSent || response.destroyed });
  }

  function serve(request: IncomingMessage, response: ServerResponse): void {
    watch.begin(inOriginForm(request), response);
    if (refuseTwoHosts(request, response)) return;
    if (watch.takeForNode(request, response)) return;
    const path = request.url ?? '';
    if (refuseOtherHost(request, response, issuer)) return;
    if (watch.takeReport(request, response)) return;
    if (path === '/introspect' || path.startsWith('/introspect?'))
      void introspection.handle(request, response);
    else if (path === '/changes') void changes.handle(request, response);
    else if (path === '/uses') void uses.handle(request, response);
    else void engine(request, response);
  }
}
