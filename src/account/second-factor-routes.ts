/** A person's authenticator app: its enrolment, recovery codes, its end. Each change asks for a proof unless they signed in lately. */
import Router from '@koa/router';
import type Koa from 'koa';
import { correction, generate } from 'lean-qr';
import { toSvgPath } from 'lean-qr/extras/svg';
import type { Actor } from '../changes/change-log.ts';
import { clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { PageWriter } from '../http/page-writer.ts';
import type { Limit, RateLimits } from '../http/rate-limit.ts';
import type { Form } from '../http/read-form.ts';
import type { PageNav } from '../http/render.ts';
import type { Enrolment, SecondFactors } from '../sign-in/second-factors.ts';
import { securityHref } from './security-page.ts';
import { type AccountSession, accountNav, type Visit } from './session.ts';
import type { StepUp } from './step-up.ts';

export interface SecondFactorDependencies {
  readonly session: AccountSession;
  readonly stepUp: StepUp;
  readonly secondFactors: SecondFactors;
  readonly limits: RateLimits;
  readonly pages: PageWriter;
  readonly trustedProxies: TrustedProxies;
}

/** `account/authenticator.ejs`. Posts `code` and `csrf`. */
export interface AuthenticatorPage {
  readonly nav: PageNav;
  readonly csrf: string;
  /** The QR code as the path of an SVG, and how many modules wide it is. */
  readonly qr: { readonly path: string; readonly size: number };
  /** Base32 in groups of four. */
  readonly secret: string;
  readonly backHref: string;
  readonly problem?: 'wrong' | 'too_many';
}

/** `account/recovery-codes.ejs`, shown once. */
export interface RecoveryCodesPage {
  readonly nav: PageNav;
  readonly codes: readonly string[];
  readonly backHref: string;
}

const confirmations: Limit = { name: 'authenticator-confirm', points: 20, windowSeconds: 900 };

export function createSecondFactorRoutes(deps: SecondFactorDependencies): Router {
  const { session, stepUp, secondFactors, pages } = deps;
  const router = new Router({ prefix: `${securityHref}/authenticator` });
  const guarded = (path: string, next: (ctx: Koa.Context, visit: Visit, form: Form) => Promise<void>) =>
    router.post(path, (ctx) =>
      session.post(ctx, async (visit, form) => {
        if (await stepUp.passes(ctx, visit, form)) await next(ctx, visit, form);
      }),
    );
  guarded('/new', async (ctx, visit) => {
    const begun = await secondFactors.begin(visit.person.user);
    if (begun) showEnrolment(ctx, visit, begun);
    else leave(ctx);
  });
  guarded('/confirm', confirm);
  guarded('/recovery-codes', async (ctx, visit) => {
    const codes = await secondFactors.renewRecoveryCodes(actorOf(ctx, visit), visit.person.user.id);
    if (codes) showCodes(ctx, visit, codes);
    else leave(ctx);
  });
  guarded('/remove', async (ctx, visit) => {
    await secondFactors.remove(actorOf(ctx, visit), visit.person.user.id);
    leave(ctx, 'authenticator-removed');
  });
  return router;

  async function confirm(ctx: Koa.Context, visit: Visit, form: Form): Promise<void> {
    const { user } = visit.person;
    const taken = await deps.limits.take(confirmations, user.id);
    const code = (form.get('code')?.[0] ?? '').replaceAll(/\s/g, '');
    const codes =
      taken.kind === 'allowed' ? await secondFactors.confirm(actorOf(ctx, visit), user.id, code) : undefined;
    if (codes) return showCodes(ctx, visit, codes);
    const begun = await secondFactors.begun(user);
    if (!begun) return leave(ctx);
    if (taken.kind === 'limited') ctx.set('Retry-After', String(taken.retryAfterSeconds));
    showEnrolment(ctx, visit, begun, taken.kind === 'limited' ? 'too_many' : 'wrong');
  }

  function showEnrolment(
    ctx: Koa.Context,
    visit: Visit,
    { uri, secret }: Enrolment,
    problem?: NonNullable<AuthenticatorPage['problem']>,
  ): void {
    pages.show(
      ctx,
      'account/authenticator',
      ({ t }): AuthenticatorPage => ({
        nav: accountNav(visit, t, securityHref),
        csrf: visit.csrf,
        qr: qrPath(uri),
        secret: secret.replaceAll(/(.{4})(?=.)/g, '$1 '),
        backHref: securityHref,
        ...(problem && { problem }),
      }),
      { status: problem === undefined ? 200 : problem === 'wrong' ? 422 : 429 },
    );
  }

  function showCodes(ctx: Koa.Context, visit: Visit, codes: readonly string[]): void {
    pages.show(
      ctx,
      'account/recovery-codes',
      ({ t }): RecoveryCodesPage => ({
        nav: accountNav(visit, t, securityHref),
        codes,
        backHref: securityHref,
      }),
    );
  }

  function leave(ctx: Koa.Context, what?: string): void {
    ctx.redirect(what === undefined ? securityHref : `${securityHref}?done=${what}`);
    ctx.status = 303;
  }

  function actorOf(ctx: Koa.Context, visit: Visit): Actor {
    return { id: visit.person.user.id, origin: clientAddress(ctx.req, deps.trustedProxies) };
  }
}

function qrPath(text: string): AuthenticatorPage['qr'] {
  const code = generate(text, { minCorrectionLevel: correction.M });
  return { path: toSvgPath(code), size: code.size };
}
