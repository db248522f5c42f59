/**
 * The pages between a tool's request and its answer: sign-in and consent. Owns their routes and the order of their checks;
 * what is offered, preselected and granted is decided in pure files beside it and in `policy`.
 */
import Router from '@koa/router';
import type Koa from 'koa';
import type Provider from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { Actor } from '../changes/change-log.ts';
import type { ClientStore, StoredClient } from '../clients/client-store.ts';
import type { Clock } from '../clock.ts';
import type { LiveAccess, LiveAccessSource } from '../directory/live-access.ts';
import type { WorldSource } from '../directory/world.ts';
import { clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { PageWriter } from '../http/page-writer.ts';
import { type Form, isFormRefusal, readForm } from '../http/read-form.ts';
import { isOurOwnPage } from '../http/same-site.ts';
import { contentSecurityPolicy, formTarget } from '../http/security-headers.ts';
import type { Resources } from '../oauth/resources.ts';
import { isSignInOnly } from '../oauth/scopes.ts';
import { administration, withoutAdministration } from '../policy/administration.ts';
import type { ClientRefusal } from '../policy/client-permission.ts';
import { type Dropped, decideConsent } from '../policy/consent-decision.ts';
import { decideTerms } from '../policy/terms-decision.ts';
import type { World } from '../policy/vocabulary.ts';
import type { Secrets } from '../secrets.ts';
import { askedBy, indicatorsOf } from './asked.ts';
import type { ClientFacts } from './client-face.ts';
import { factsOf } from './client-facts.ts';
import { buildClientRefusedPage } from './client-refused-page.ts';
import { type PostedConsent, parseConsentForm } from './consent-form.ts';
import type { ConsentNotice } from './consent-notices.ts';
import { offerTo } from './consent-offer.ts';
import { buildConsentPage } from './consent-page.ts';
import { type Preset, type PreviousChoice, presets } from './consent-preselection.ts';
import type { ConsentTerms, ReadConsentTerms } from './consent-terms.ts';
import type { ConsentWriter } from './consent-writer.ts';
import { createInteractionCsrf } from './csrf.ts';
import type { Installs } from './install.ts';
import { listenerAt, returnsByHand } from './native-return.ts';
import type { SignInFlow, SignInPlace } from './sign-in-flow.ts';

const formBytes = 512 * 1_024;

/** Asks whoever consents to something sensitive for a proof, unless they signed in lately. Both answer by themselves where they say no. */
export interface ConsentProof {
  /**
   * Tells whether they signed in lately; if not, the form waits in the page that asks.
   * @param userId who consents: what somebody else proves is worth nothing here
   */
  passes(ctx: Koa.Context, form: Form, userId: string): Promise<boolean>;
  /** Reads a form that waited, once the proof beside it is right. */
  resume(ctx: Koa.Context, form: Form, userId: string | undefined): Promise<Form | undefined>;
}

export interface InteractionDependencies {
  readonly issuer: string;
  readonly provider: Provider;
  readonly pages: PageWriter;
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly signInFlow: SignInFlow;
  readonly clients: ClientStore;
  readonly authorizations: AuthorizationStore;
  readonly liveAccess: LiveAccessSource;
  readonly worldSource: WorldSource;
  readonly resources: Resources;
  readonly consentWriter: ConsentWriter;
  readonly consentTerms: ReadConsentTerms;
  readonly consentProof: ConsentProof;
  readonly installs: Installs;
  readonly trustedProxies: TrustedProxies;
}

type Details = Awaited<ReturnType<Provider['interactionDetails']>>;

/** What stands at the start of every step: the interaction, bound to this browser and to this address. */
interface Step {
  readonly ctx: Koa.Context;
  readonly uid: string;
  readonly details: Details;
}

/** What the consent page and its decision look at, read at one moment. */
interface Situation {
  readonly person: LiveAccess;
  readonly world: World;
  readonly audience: Awaited<ReturnType<Resources['resolve']>>;
  readonly install: string;
  readonly existing: Awaited<ReturnType<AuthorizationStore['findInstall']>>;
  readonly client: StoredClient;
  /** What the organization's policy has to say. */
  readonly terms: ConsentTerms;
}

export function createInteractionRoutes(deps: InteractionDependencies): Router {
  const { provider, pages, clock, signInFlow } = deps;
  const csrf = createInteractionCsrf(deps.secrets);
  const router = new Router({ prefix: '/interaction' });

  router.get('/:uid', (ctx) =>
    step(ctx, async (now) =>
      now.details.prompt.name === 'login' ? signInFlow.show(ctx, await placeOf(now)) : showConsent(now),
    ),
  );
  router.get('/:uid/sign-in', (ctx) => step(ctx, async (now) => signInFlow.show(ctx, await placeOf(now))));
  router.get('/:uid/sign-in/code', (ctx) =>
    step(ctx, async (now) => signInFlow.showCode(ctx, await placeOf(now))),
  );
  router.post('/:uid/sign-in', (ctx) => posted(ctx, (place, form) => signInFlow.password(ctx, place, form)));
  router.post('/:uid/sign-in/code', (ctx) => posted(ctx, (place, form) => signInFlow.code(ctx, place, form)));
  router.post('/:uid/sign-in/passkey', (ctx) =>
    posted(ctx, (place, form) => signInFlow.passkey(ctx, place, form)),
  );
  router.post('/:uid/sign-in/passkey/options', (ctx) =>
    posted(ctx, (place) => signInFlow.passkeyOptions(ctx, place)),
  );
  router.post('/:uid/sign-in/upstream/:name', (ctx) =>
    posted(ctx, (place) => signInFlow.upstream(ctx, place, String(ctx.params.name))),
  );
  router.get('/:uid/sign-in/upstream/:name/back', (ctx) =>
    step(ctx, async (now) => signInFlow.upstreamBack(ctx, await placeOf(now), String(ctx.params.name))),
  );
  router.get('/:uid/consent', (ctx) => step(ctx, (now) => showConsent(now)));
  router.post('/:uid/consent', (ctx) =>
    step(ctx, (now) => withForm(now, (form, proven) => submitConsent(now, form, proven))),
  );
  return router;

  /** Finds the interaction by its signed cookie, and refuses another one's address. */
  async function step(ctx: Koa.Context, next: (now: Step) => Promise<void>): Promise<void> {
    const uid = (ctx.params as { uid: string }).uid;
    try {
      const details = await provider.interactionDetails(ctx.req, ctx.res);
      if (details.uid !== uid) throw new errors.SessionNotFound('the interaction belongs to another browser');
      await next({ ctx, uid, details });
    } catch (error) {
      if (!(error instanceof errors.SessionNotFound)) throw error;
      pages.fail(ctx, 'interaction_expired', { status: 400 });
    }
  }

  /** A posted step of the sign-in. */
  function posted(ctx: Koa.Context, next: (place: SignInPlace, form: Form) => Promise<void>): Promise<void> {
    return step(ctx, (now) => withForm(now, async (form) => next(await placeOf(now), form)));
  }

  /** Reads a posted form that came from our own page and carries this interaction's token. */
  async function withForm(now: Step, next: (form: Form, proven: boolean) => Promise<void>): Promise<void> {
    const { ctx, uid, details } = now;
    if (!isOurOwnPage(ctx.req.headers, deps.issuer)) return pages.fail(ctx, 'form_refused', { status: 403 });
    const posted = await readForm(ctx.req, formBytes);
    if (isFormRefusal(posted)) {
      return pages.fail(ctx, 'bad_request', { status: posted.kind === 'too_large' ? 413 : 415 });
    }
    const proven = posted.has('held');
    const form = proven ? await deps.consentProof.resume(ctx, posted, details.session?.accountId) : posted;
    if (!form) return leaveWayBack(now);
    if (!csrf.matches(uid, form.get('csrf')?.[0] ?? ''))
      return pages.fail(ctx, 'form_refused', { status: 403 });
    await next(form, proven);
  }

  /** A page that asks for a proof ends at the tool, as the one before it would have. */
  function leaveWayBack({ ctx, details }: Step): void {
    const target = formTarget(String(details.params.redirect_uri));
    if (target !== undefined) ctx.set('Content-Security-Policy', contentSecurityPolicy([target]));
  }

  async function placeOf({ ctx: { query }, uid, details }: Step): Promise<SignInPlace> {
    const proves = query.again !== undefined;
    const client = await deps.clients.find(String(details.params.client_id));
    return {
      base: `/interaction/${uid}/sign-in`,
      query: proves ? '?again=1' : '',
      csrf: csrf.token(uid),
      browser: uid,
      page: {
        email: stringOf(details.params.login_hint),
        client: client && factsOf(client, stringOf(details.params.redirect_uri)),
      },
      uiLocales: stringOf(details.params.ui_locales),
      again: proves || asksAgain(details.params),
      signedIn: (ctx, accountId, methods, at = clock.now()) =>
        leave({ ctx }, { login: { accountId, amr: [...methods], ts: at, remember: true } }),
    };
  }

  async function showConsent(
    now: Step,
    again: {
      notices?: ConsentNotice[];
      choice?: PreviousChoice;
      justification?: string;
      byHand?: boolean;
      projectSearch?: string;
      status?: number;
    } = {},
  ) {
    const { ctx, uid, details } = now;
    const { params } = details;
    const situation = await situationOf(now);
    if (!situation) return pages.fail(ctx, 'interaction_expired', { status: 400 });
    const { person, world, audience, existing, client, terms } = situation;
    const redirectUri = stringOf(params.redirect_uri);
    const target = redirectUri === undefined ? undefined : formTarget(redirectUri);
    const formTargets = target === undefined ? [] : [target];
    const facts = { ...factsOf(client, redirectUri), verified: terms.vouchedFor };
    if (terms.refusal) return refuseClient(now, facts, terms.refusal, formTargets);
    const preset = presets.find((one) => one === ctx.query.preset) as Preset | undefined;
    pages.show(
      ctx,
      'consent',
      (words) =>
        buildConsentPage({
          ...offerTo(person, world),
          words,
          now: clock.now(),
          action: `/interaction/${uid}/consent`,
          pageHref: `/interaction/${uid}/consent`,
          csrf: csrf.token(uid),
          client: facts,
          account: person.user,
          switchAccount: { href: `/interaction/${uid}/sign-in`, method: 'get' },
          asked: askedBy(params, audience, world),
          previous: existing && {
            ...existing,
            capabilities: existing.capabilities.filter((name) => name !== administration),
            lifetimeSeconds: existing.expiresAt === null ? null : existing.expiresAt - existing.renewedAt,
          },
          posted: again.choice,
          justification: again.justification,
          projectSearch: again.projectSearch,
          byHand: listenerAt(redirectUri ?? '') === 'loopback' ? again.byHand === true : undefined,
          preset,
          lifetimes: terms.offer.lifetimes,
          terms: terms.offer.capabilities,
          notices: again.notices ?? [],
        }),
      {
        status: again.status ?? 200,
        uiLocales: stringOf(params.ui_locales),
        formTargets,
      },
    );
  }

  /** Stands in the place of consent: who can change it, and the way back to the tool, which is told `access_denied`. */
  function refuseClient(
    { ctx, uid, details }: Step,
    client: ClientFacts,
    refusal: ClientRefusal,
    formTargets: readonly string[],
  ): void {
    const action = `/interaction/${uid}/consent`;
    pages.show(
      ctx,
      'client-refused',
      (words) => buildClientRefusedPage({ client, refusal, action, csrf: csrf.token(uid) }, words),
      { status: 403, uiLocales: stringOf(details.params.ui_locales), formTargets },
    );
  }

  /** @param proven whoever consents has just proven who they are */
  async function submitConsent(now: Step, form: Form, proven: boolean): Promise<void> {
    const { ctx, details } = now;
    const posted = parseConsentForm(Object.fromEntries([...form].filter(([name]) => name !== '__proto__')));
    if (posted.kind === 'invalid') return pages.fail(ctx, 'bad_request', { status: 400 });
    const way = posted.byHand ? { [returnsByHand]: true } : {};
    if (posted.decision === 'deny') {
      const error = { error: 'access_denied', error_description: 'the person denied the request' };
      return leave(now, { ...error, ...way });
    }
    if (posted.seenAccount !== details.session?.accountId) {
      return pages.fail(ctx, 'account_changed', { status: 400 });
    }
    const situation = await situationOf(now);
    if (!situation) return pages.fail(ctx, 'interaction_expired', { status: 400 });
    const { person, world, audience, terms, existing } = situation;
    // The page says why, and how to go back.
    if (terms.refusal) return showConsent(now);
    const { capabilities, projects, mcpServers, lifetimeSeconds } = posted;
    const { justification, byHand, projectSearch } = posted;
    const choice = { capabilities, projects, mcpServers, lifetimeSeconds };
    const shown = { choice, justification, byHand, projectSearch };
    if (posted.decision === 'find') return showConsent(now, shown);
    const decision = decideConsent(posted, person.live, world);
    const again = (notice: ConsentNotice, status: number) =>
      showConsent(now, { ...shown, notices: [notice], status });
    if (decision.dropped.length > 0) {
      return again({ kind: 'not_granted', items: namesOf(decision.dropped, world) }, 409);
    }
    const signInOnly = isSignInOnly(details.params.scope, world.catalogue);
    if (decision.kind === 'refused' && !signInOnly) {
      return again({ kind: 'nothing_chosen' }, 422);
    }
    const granted =
      decision.kind === 'granted' ? decision.granted : { capabilities: [], projects: [], mcpServers: [] };
    const agreed = decideTerms(
      { lifetime: lifetimeSeconds, justification },
      { granted: granted.capabilities, before: existing?.capabilities ?? [] },
      'oauth2',
      terms.policy,
      terms.approvals,
    );
    if (agreed.kind === 'too_long') {
      return again({ kind: 'lifetime_too_long', longest: agreed.longest }, 422);
    }
    if (agreed.kind === 'justification_missing') {
      return again({ kind: 'justification_missing', capabilities: agreed.capabilities }, 422);
    }
    // A tool is given no more by a browser that was left open than anybody else is.
    const sensitive = granted.capabilities.some((name) => world.catalogue.get(name)?.sensitive);
    if (sensitive && !proven && !(await deps.consentProof.passes(ctx, form, person.user.id))) {
      return leaveWayBack(now);
    }
    const actor: Actor = { id: person.user.id, origin: clientAddress(ctx.req, deps.trustedProxies) };
    const grantId = await deps.consentWriter.write(actor, {
      userId: person.user.id,
      clientId: String(details.params.client_id),
      resource: audience?.uri ?? null,
      install: situation.install,
      existing,
      request: { granted: granted.capabilities, asked: agreed.asked, justification },
      choice: {
        ...granted,
        asked: askedBy(details.params, audience, world).capabilities,
        expiresAt: endOf(posted),
      },
      scope: details.params.scope,
      indicators: indicatorsOf(details.params),
    });
    return leave(now, { consent: { grantId }, ...way });
  }

  function endOf({ lifetimeSeconds }: PostedConsent): number | null {
    return lifetimeSeconds === null ? null : clock.now() + lifetimeSeconds;
  }

  async function situationOf({ ctx, details }: Step): Promise<Situation | undefined> {
    const userId = details.session?.accountId;
    if (!userId) return undefined;
    const [indicator] = indicatorsOf(details.params);
    const [person, world, audience] = await Promise.all([
      deps.liveAccess.read(userId),
      deps.worldSource.whole(),
      indicator === undefined ? undefined : deps.resources.resolve(indicator),
    ]);
    if (!person) return undefined;
    // To administer Mandate is offered to tools that asked for it by name.
    const asked = askedBy(details.params, audience, world).capabilities.includes(administration);
    const client = await deps.clients.find(String(details.params.client_id));
    if (!client) return undefined;
    const install = deps.installs.of(ctx, details.deviceCode);
    const held = await deps.authorizations.findInstall({
      userId,
      clientId: String(details.params.client_id),
      resource: audience?.uri ?? null,
      install,
    });
    // What was paused stays paused: whoever consents again gets an authorization of its own.
    const existing = held?.status === 'active' ? held : undefined;
    const terms = await deps.consentTerms(client, existing);
    const offered = asked ? person : withoutAdministration(person);
    return { person: offered, world, audience, install, existing, client, terms };
  }

  /** Hands the outcome to the library and sends the browser back to it; our commit comes before the redirect is sent. */
  async function leave(
    { ctx }: Pick<Step, 'ctx'>,
    result: Parameters<Provider['interactionResult']>[2],
  ): Promise<void> {
    const mergeWithLastSubmission = !('error' in result);
    const returnTo = await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission });
    ctx.status = 303;
    ctx.redirect(returnTo);
    ctx.status = 303;
  }
}

/** Names what was not granted as its reader knows it. */
function namesOf(dropped: readonly Dropped[], world: World): string[] {
  return dropped.map(({ dimension, identifier }) => {
    if (dimension === 'project') return world.projects.get(identifier)?.slug ?? identifier;
    if (dimension === 'mcp_server') return world.mcpServers.get(identifier)?.name ?? identifier;
    if (dimension === 'role') return world.roles.get(identifier)?.name ?? identifier;
    return identifier;
  });
}

/** Tells whether the tool wants to know that somebody signs in now (OpenID Connect Core section 3.1.2.1). */
function asksAgain({ prompt, max_age: maxAge }: Details['params']): boolean {
  return (stringOf(prompt) ?? '').split(' ').includes('login') || maxAge !== undefined;
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
