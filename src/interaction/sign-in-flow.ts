/**
 * Signing in, wherever it happens: by password or through another provider, with a code where the person has an authenticator app,
 * or by passkey. Owns the order of the steps and their pages; does not own where they stand (`SignInPlace`), nor what a session is.
 */
import type Koa from 'koa';
import type { User, UserStore } from '../directory/user-store.ts';
import { addressBlock, clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { PageWriter } from '../http/page-writer.ts';
import type { Limit, RateLimits } from '../http/rate-limit.ts';
import type { Form } from '../http/read-form.ts';
import type { UnitsOfWork } from '../oauth/unit-of-work.ts';
import type { Tally } from '../operations/tally.ts';
import type { ChallengeStore } from '../sign-in/challenge-store.ts';
import type { Passkeys } from '../sign-in/passkeys.ts';
import type { SecondFactors } from '../sign-in/second-factors.ts';
import { methodOf, showedSeveralFactors, type UpstreamProvider } from '../sign-in/upstream-provider.ts';
import { createCodeGuesses } from './code-guesses.ts';
import type { KnownBrowsers } from './known-browser.ts';
import type { SignIn } from './sign-in.ts';
import { buildSignInPage, type SignInCodePage, type SignInInput } from './sign-in-page.ts';
import type { UpstreamArrivals } from './upstream-arrivals.ts';
import {
  type UpstreamProblem,
  type UpstreamSteps,
  upstreamProblemStatus,
  upstreamProblemWords,
} from './upstream-steps.ts';
import { standsWhileActive } from './while-active.ts';

/** Where somebody signs in: a tool's request, or their own account. */
export interface SignInPlace {
  /** Path of the sign-in page; the other steps are below it. */
  readonly base: string;
  /** What follows each of the paths, `?…` or nothing. */
  readonly query: string;
  /** Token of the place's forms. */
  readonly csrf: string;
  /** A secret of this place and this browser: what is asked here is answered here. */
  readonly browser: string;
  /** What else the page shows. */
  readonly page: Pick<SignInInput, 'email' | 'client'>;
  readonly uiLocales?: string | undefined;
  /** They are to prove who they are, however recently they did. */
  readonly again: boolean;
  /**
   * Goes on as somebody who has proven who they are.
   * @param methods RFC 8176, and `upstream:NAME`
   * @param at when they did, where that is not now; integer seconds
   */
  signedIn(ctx: Koa.Context, userId: string, methods: readonly string[], at?: number): Promise<void>;
}

export interface SignInFlow {
  show(ctx: Koa.Context, place: SignInPlace, again?: Again): void;
  password(ctx: Koa.Context, place: SignInPlace, form: Form): Promise<void>;
  showCode(ctx: Koa.Context, place: SignInPlace): Promise<void>;
  code(ctx: Koa.Context, place: SignInPlace, form: Form): Promise<void>;
  /** Answers a script of our page with what an authenticator is asked. */
  passkeyOptions(ctx: Koa.Context, place: SignInPlace): Promise<void>;
  passkey(ctx: Koa.Context, place: SignInPlace, form: Form): Promise<void>;
  /** Sends the browser to another provider. @param name as its address has it */
  upstream(ctx: Koa.Context, place: SignInPlace, name: string): Promise<void>;
  /** Takes what the browser comes back with. */
  upstreamBack(ctx: Koa.Context, place: SignInPlace, name: string): Promise<void>;
}

interface Again {
  readonly email?: string;
  readonly problem?:
    | SignInInput['problem']
    | { readonly kind: 'at_provider'; readonly problem: UpstreamProblem; readonly provider: string };
  readonly status?: number;
}

const passkeysPerAddress: Limit = { name: 'passkey-address', points: 200, windowSeconds: 900 };

export function createSignInFlow(deps: {
  signIn: SignIn;
  users: UserStore;
  challenges: ChallengeStore;
  secondFactors: SecondFactors;
  passkeys: Passkeys;
  upstreamSteps: UpstreamSteps;
  upstreamArrivals: UpstreamArrivals;
  limits: RateLimits;
  knownBrowsers: KnownBrowsers;
  pages: PageWriter;
  trustedProxies: TrustedProxies;
  units: Pick<UnitsOfWork, 'current'>;
  tally: Tally;
}): SignInFlow {
  const counters = {
    signedIn: deps.tally.of('sign_in', 'signed_in'),
    wrong: deps.tally.of('sign_in', 'wrong'),
    limited: deps.tally.of('sign_in', 'limited'),
  };
  const { signIn, challenges, secondFactors, passkeys, limits, pages, upstreamSteps } = deps;
  const { upstream } = upstreamSteps;
  const codeGuesses = createCodeGuesses(deps);
  const addressOf = (ctx: Koa.Context) => addressBlock(clientAddress(ctx.req, deps.trustedProxies));
  const wait = (ctx: Koa.Context, seconds: number) => ctx.set('Retry-After', String(seconds));

  /** Whatever was wrong, and at whichever step: it is shown with this status. */
  function countRefusal(status: number): void {
    if (status === 401) counters.wrong.n += 1;
    if (status === 429) counters.limited.n += 1;
  }

  function show(ctx: Koa.Context, place: SignInPlace, again: Again = {}): void {
    const { status = 200, problem, ...rest } = again;
    countRefusal(status);
    const { base, query, csrf, uiLocales } = place;
    const ways = {
      passkey: { action: `${base}/passkey${query}`, options: `${base}/passkey/options${query}` },
      upstream: upstream.providers.map(({ name, label }) => ({
        action: `${base}/upstream/${name}${query}`,
        label,
      })),
    };
    pages.show(
      ctx,
      'sign-in',
      ({ t }) =>
        buildSignInPage({
          ...{ action: `${base}${query}`, csrf, ...ways, ...place.page, ...rest },
          problem:
            problem?.kind === 'at_provider'
              ? {
                  kind: 'upstream',
                  text: t(upstreamProblemWords[problem.problem], { provider: problem.provider }),
                }
              : problem,
        }),
      { status, uiLocales },
    );
  }

  function showCodePage(
    ctx: Koa.Context,
    { base, query, csrf, uiLocales }: SignInPlace,
    again: { status: number; problem?: SignInCodePage['problem'] } = { status: 200 },
  ): void {
    const { status, problem } = again;
    countRefusal(status);
    pages.show(
      ctx,
      'sign-in-code',
      (): SignInCodePage => ({
        action: `${base}/code${query}`,
        backHref: `${base}${query}`,
        csrf,
        ...(problem && { problem }),
      }),
      { status, uiLocales },
    );
  }

  async function goOn(
    ctx: Koa.Context,
    place: SignInPlace,
    user: User,
    methods: readonly string[],
    at?: number,
  ): Promise<void> {
    counters.signedIn.n += 1;
    deps.knownBrowsers.remember(ctx, user.email);
    await place.signedIn(ctx, user.id, methods, at);
  }

  /** Asks for a code of the person's app. @param first what they have shown already */
  async function askForCode(ctx: Koa.Context, place: SignInPlace, userId: string, first: string) {
    const asked = { value: first, userId };
    // With what stands only while the password does: see `sign-in.ts`.
    deps.units.current().onSuccess((trx) => challenges.open('second_step', place.browser, asked, trx));
    ctx.redirect(`${place.base}/code${place.query}`);
    ctx.status = 303;
  }

  function showUpstreamProblem(
    ctx: Koa.Context,
    place: SignInPlace,
    { label }: UpstreamProvider,
    problem: UpstreamProblem,
  ): void {
    const status = upstreamProblemStatus[problem];
    if (status === 403) counters.wrong.n += 1;
    show(ctx, place, { problem: { kind: 'at_provider', problem, provider: label }, status });
  }

  return {
    show,

    async password(ctx, place, form) {
      const email = form.get('email')?.[0] ?? '';
      const password = form.get('password')?.[0] ?? '';
      const known = deps.knownBrowsers.of(ctx, email);
      const outcome = await signIn.attempt({ email, password }, addressOf(ctx), known);
      switch (outcome.kind) {
        case 'wrong':
          return show(ctx, place, { email, problem: { kind: 'wrong' }, status: 401 });
        case 'too_many':
          wait(ctx, outcome.retryAfterSeconds);
          return show(ctx, place, { email, problem: outcome, status: 429 });
        case 'signed_in': {
          const { id } = outcome.user;
          if (!(await secondFactors.required(id))) return goOn(ctx, place, outcome.user, ['pwd']);
          await askForCode(ctx, place, id, 'pwd');
        }
      }
    },

    async showCode(ctx, place) {
      if (await challenges.find('second_step', place.browser)) return showCodePage(ctx, place);
      ctx.redirect(`${place.base}${place.query}`);
      ctx.status = 303;
    },

    async code(ctx, place, form) {
      const userId = (await challenges.find('second_step', place.browser))?.userId;
      if (userId === undefined) return show(ctx, place, { problem: { kind: 'too_late' }, status: 401 });
      const asked = await deps.users.findById(userId);
      // With its password as it is while the question is open: a question ends with the password before it.
      const user = asked && (await deps.users.findByEmail(asked.email));
      const known = user && deps.knownBrowsers.of(ctx, user.email);
      const taken = await codeGuesses.take(userId, form.get('code')?.[0] ?? '', known);
      if (taken.kind === 'wrong') return showCodePage(ctx, place, { status: 401, problem: taken });
      if (taken.kind !== 'right') {
        wait(ctx, taken.retryAfterSeconds);
        const minutes = Math.max(1, Math.ceil(taken.retryAfterSeconds / 60));
        return showCodePage(ctx, place, { status: 429, problem: { kind: taken.kind, minutes } });
      }
      const step = await challenges.take('second_step', place.browser);
      // Suspended meanwhile, or answered in another tab.
      if (!step || user?.status !== 'active' || user.id !== userId) {
        return show(ctx, place, { problem: { kind: 'too_late' }, status: 401 });
      }
      const first = upstream.providers.map(methodOf).find((method) => step.matches(method)) ?? 'pwd';
      standsWhileActive(deps.units, user);
      // A recovery code is a one-time password too (RFC 8176 section 2).
      await goOn(ctx, place, user, [first, 'otp', 'mfa']);
    },

    async passkeyOptions(ctx, place) {
      const taken = await limits.take(passkeysPerAddress, addressOf(ctx));
      ctx.set('Cache-Control', 'no-store');
      if (taken.kind === 'limited') {
        wait(ctx, taken.retryAfterSeconds);
        ctx.status = 429;
        ctx.body = { error: 'too_many' };
        return;
      }
      ctx.body = await passkeys.ask('passkey_sign_in', place.browser);
    },

    async passkey(ctx, place, form) {
      const proof = await passkeys.prove('passkey_sign_in', place.browser, form.get('passkey')?.[0] ?? '');
      const user = proof.outcome === 'right' ? await deps.users.findById(proof.userId) : undefined;
      if (proof.outcome === 'refused' || user?.status !== 'active') {
        return show(ctx, place, { problem: { kind: 'passkey' }, status: 401 });
      }
      standsWhileActive(deps.units, { id: user.id });
      await goOn(ctx, place, user, proof.methods);
    },

    async upstream(ctx, place, name) {
      const provider = upstream.find(name);
      if (!provider) return pages.fail(ctx, 'not_found', { status: 404 });
      const { browser, again } = place;
      const backTo = `${place.base}/upstream/${name}/back${place.query}`;
      const problem = await upstreamSteps.leave(ctx, provider, { browser, again, backTo }, place.uiLocales);
      if (problem) showUpstreamProblem(ctx, place, provider, problem);
    },

    async upstreamBack(ctx, place, name) {
      const provider = upstream.find(name);
      if (!provider) return pages.fail(ctx, 'not_found', { status: 404 });
      const returned = await upstreamSteps.take(ctx, provider, place.browser);
      if (returned.outcome !== 'proven') return showUpstreamProblem(ctx, place, provider, returned.outcome);
      const { identity } = returned;
      const origin = clientAddress(ctx.req, deps.trustedProxies);
      const arrival = await deps.upstreamArrivals.receive(provider, identity, origin);
      if (arrival.kind !== 'somebody') return showUpstreamProblem(ctx, place, provider, arrival.kind);
      const { user } = arrival;
      const method = methodOf(provider);
      const several = showedSeveralFactors(provider, identity);
      if (!several && (await secondFactors.required(user.id))) return askForCode(ctx, place, user.id, method);
      const at = upstreamSteps.signedInAt(returned);
      standsWhileActive(deps.units, { id: user.id });
      await goOn(ctx, place, user, several ? [method, 'mfa'] : [method], at);
    },
  };
}
