/**
 * The pages that mail leads to: an invitation, and a new password for one that was forgotten. They need no sign-in; a token stands
 * for its reader, is never used by looking, and is bound to no address but the issuer's.
 */
import Router from '@koa/router';
import type Koa from 'koa';
import type { AccountLinks, LinkedAccount, LinkKind } from '../directory/account-links.ts';
import { type PasswordProblem, shortestPassword } from '../directory/new-password.ts';
import { addressBlock, clientAddress, type TrustedProxies } from '../http/client-address.ts';
import { chooseLocale } from '../http/locale.ts';
import type { PageWriter } from '../http/page-writer.ts';
import type { Limit, RateLimits } from '../http/rate-limit.ts';
import { type Form, isFormRefusal, readForm } from '../http/read-form.ts';
import { isOurOwnPage } from '../http/same-site.ts';
import type { BrowserSessions } from '../interaction/browser-session.ts';
import type { UpstreamButton } from '../interaction/sign-in-page.ts';
import {
  type UpstreamProblem,
  type UpstreamSteps,
  upstreamProblemStatus,
  upstreamProblemWords,
} from '../interaction/upstream-steps.ts';
import type { Secrets } from '../secrets.ts';
import type { SecondFactors } from '../sign-in/second-factors.ts';
import { methodOf, showedSeveralFactors, type UpstreamProvider } from '../sign-in/upstream-provider.ts';
import type { ForgottenPasswords } from './forgotten-password.ts';
import type { Invitations } from './invitations.ts';

const formBytes = 16 * 1_024;
const longestEmail = 254;
const longestName = 120;
const purpose = 'csrf-link';
const home = '/account/authorizations';

/** How often one address, and one account, may be written to. */
const wantedFrom: Limit = { name: 'password-wanted-address', points: 20, windowSeconds: 3_600 };
const wantedFor: Limit = { name: 'password-wanted-account', points: 5, windowSeconds: 3_600 };
/** A token of 256 bits is not guessed; this bounds what trying costs us. */
const tries: Limit = { name: 'link-tries', points: 60, windowSeconds: 900 };

/** `forgot-password.ejs`. */
export interface ForgotPasswordPage {
  readonly csrf: string;
  readonly email: string;
  /** `sent` says the same for every address. */
  readonly state: 'ask' | 'sent' | 'no_mail' | 'missing';
}

/** `set-password.ejs`. */
export interface SetPasswordPage {
  readonly kind: LinkKind;
  readonly action: string;
  readonly csrf: string;
  readonly token: string;
  readonly email: string;
  readonly name: string;
  readonly shortest: number;
  /** Other providers, in place of a password. Each posts `csrf` and `token`. */
  readonly upstream: readonly UpstreamButton[];
  readonly problem?: { readonly of: 'name' | 'password' | 'upstream'; readonly text: string };
}

type SetProblem = PasswordProblem | 'name_missing' | 'differs';

/** What is wrong with what was typed, in words. */
const problemWords: Readonly<Record<SetProblem, string>> = {
  too_short: 'set_password.problem.too_short',
  too_long: 'set_password.problem.too_long',
  common: 'set_password.problem.common',
  names_account: 'set_password.problem.names_account',
  name_missing: 'set_password.problem.name_missing',
  differs: 'set_password.problem.differs',
};

/** `password-set.ejs`. */
export interface PasswordSetPage {
  readonly email: string;
}

export interface LinkDependencies {
  readonly issuer: string;
  readonly sessions: BrowserSessions;
  readonly secrets: Secrets;
  readonly pages: PageWriter;
  readonly limits: RateLimits;
  readonly accountLinks: AccountLinks;
  readonly forgottenPasswords: ForgottenPasswords;
  readonly invitations: Invitations;
  readonly secondFactors: Pick<SecondFactors, 'required'>;
  /** Whether mail leaves at all. */
  readonly mailAvailable: boolean;
  readonly upstreamSteps: UpstreamSteps;
  readonly trustedProxies: TrustedProxies;
}

export function createLinkRoutes(deps: LinkDependencies): Router {
  const { sessions, secrets, pages, limits, accountLinks } = deps;
  const upstreamButtons = deps.upstreamSteps.upstream.providers.map(({ name, label }) => ({
    action: `/invitation/upstream/${name}`,
    label,
  }));
  const router = new Router();
  router.get('/forgot-password', async (ctx) => showForgot(ctx, deps.mailAvailable ? 'ask' : 'no_mail'));
  router.post('/forgot-password', (ctx) => withForm(ctx, (form) => want(ctx, form)));
  router.get('/reset-password', (ctx) => open(ctx, 'password_reset'));
  router.post('/reset-password', (ctx) => withForm(ctx, (form) => reset(ctx, form)));
  router.get('/invitation', (ctx) => open(ctx, 'invitation'));
  router.post('/invitation', (ctx) => withForm(ctx, (form) => accept(ctx, form)));
  router.post('/invitation/upstream/:name', (ctx) => withForm(ctx, (form) => sendUpstream(ctx, form)));
  router.get('/invitation/upstream/:name/back', (ctx) => backFromUpstream(ctx));
  return router;

  async function showForgot(
    ctx: Koa.Context,
    state: ForgotPasswordPage['state'],
    { email = '', status = 200 } = {},
  ): Promise<void> {
    const { id } = await sessions.keep(ctx);
    const csrf = secrets.keyedHash(purpose, id);
    pages.show(ctx, 'forgot-password', (): ForgotPasswordPage => ({ csrf, email, state }), { status });
  }

  async function want(ctx: Koa.Context, form: Form): Promise<void> {
    if (!deps.mailAvailable) return showForgot(ctx, 'no_mail', { status: 503 });
    const email = (form.get('email')?.[0] ?? '').trim();
    // Text in PostgreSQL cannot hold the character NUL: nobody's address has it.
    if (!/^[^\s@\0]+@[^\s@\0]+$/.test(email) || email.length > longestEmail) {
      return showForgot(ctx, 'missing', { email: email.slice(0, longestEmail), status: 422 });
    }
    const account = email.normalize('NFKC').toLowerCase();
    if (!(await within(ctx, wantedFrom, addressOf(ctx)))) return;
    if (!(await within(ctx, wantedFor, account))) return;
    await deps.forgottenPasswords.want(email, chooseLocale(undefined, ctx.get('Accept-Language')));
    return showForgot(ctx, 'sent', { email });
  }

  async function open(ctx: Koa.Context, kind: LinkKind): Promise<void> {
    if (!(await within(ctx, tries, addressOf(ctx)))) return;
    const given = new URLSearchParams(ctx.querystring).getAll('token');
    const token = given.length === 1 ? (given[0] ?? '') : '';
    const account = await accountLinks.find(kind, token);
    if (!account) return pages.fail(ctx, 'link_ended', { status: 410, links: linksOf(kind) });
    return showSet(ctx, kind, token, account);
  }

  async function showSet(
    ctx: Koa.Context,
    kind: LinkKind,
    token: string,
    account: LinkedAccount,
    again: {
      name?: string;
      problem?: SetProblem;
      upstream?: readonly [UpstreamProvider, UpstreamProblem];
    } = {},
  ): Promise<void> {
    const { id } = await sessions.keep(ctx);
    const csrf = secrets.keyedHash(purpose, id);
    const { email } = account;
    const { problem, upstream } = again;
    // An account that was only invited has its address for a name.
    const name = again.name ?? (account.name === email ? '' : account.name);
    const action = kind === 'invitation' ? '/invitation' : '/reset-password';
    pages.show(
      ctx,
      'set-password',
      ({ t }): SetPasswordPage => ({
        kind,
        action,
        csrf,
        token,
        email,
        name,
        shortest: shortestPassword,
        upstream: kind === 'invitation' ? upstreamButtons : [],
        ...(upstream && {
          problem: {
            of: 'upstream',
            text: t(upstreamProblemWords[upstream[1]], { provider: upstream[0].label }),
          },
        }),
        ...(problem && {
          problem: { of: problem === 'name_missing' ? 'name' : 'password', text: t(problemWords[problem]) },
        }),
      }),
      { status: upstream ? upstreamProblemStatus[upstream[1]] : problem ? 422 : 200 },
    );
  }

  async function reset(ctx: Koa.Context, form: Form): Promise<void> {
    const { token, password, differs } = typed(form);
    if (differs) return againWith(ctx, 'password_reset', token, { problem: 'differs' });
    const outcome = await deps.forgottenPasswords.reset(token, password, originOf(ctx));
    switch (outcome.kind) {
      case 'ended':
        return pages.fail(ctx, 'link_ended', { status: 410, links: linksOf('password_reset') });
      case 'refused':
        return showSet(ctx, 'password_reset', token, outcome.account, { problem: outcome.problem });
      case 'done':
        // Not signed in by this: a second factor, where there is one, is still to be shown.
        await sessions.end(ctx);
        return pages.show(ctx, 'password-set', (): PasswordSetPage => ({ email: outcome.account.email }));
    }
  }

  async function accept(ctx: Koa.Context, form: Form): Promise<void> {
    const { token, password, differs } = typed(form);
    const name = (form.get('name')?.[0] ?? '').replaceAll('\0', '').trim().slice(0, longestName);
    if (name === '') return againWith(ctx, 'invitation', token, { problem: 'name_missing' });
    if (differs) return againWith(ctx, 'invitation', token, { name, problem: 'differs' });
    const outcome = await deps.invitations.accept(token, { name, password }, originOf(ctx));
    switch (outcome.kind) {
      case 'ended':
        return pages.fail(ctx, 'link_ended', { status: 410, links: linksOf('invitation') });
      case 'refused':
        return showSet(ctx, 'invitation', token, outcome.account, { name, problem: outcome.problem });
      case 'done':
        // Somebody who was there before and is invited again may have a second step, which is still to be shown.
        if (await deps.secondFactors.required(outcome.account.id)) {
          await sessions.end(ctx);
          return pages.show(ctx, 'password-set', (): PasswordSetPage => ({ email: outcome.account.email }));
        }
        await sessions.signIn(ctx, outcome.account.id, ['pwd']);
        ctx.redirect(home);
        ctx.status = 303;
    }
  }

  /** Goes to another provider; the invitation waits with the answer, and is not in any address meanwhile. */
  async function sendUpstream(ctx: Koa.Context, form: Form): Promise<void> {
    const provider = named(ctx);
    if (!provider) return;
    const token = form.get('token')?.[0] ?? '';
    const account = await accountLinks.find('invitation', token);
    if (!account) return pages.fail(ctx, 'link_ended', { status: 410, links: linksOf('invitation') });
    const { id } = await sessions.read(ctx);
    const backTo = `/invitation/upstream/${provider.name}/back`;
    const errand = { browser: errandOf(id), backTo, held: token };
    const problem = await deps.upstreamSteps.leave(ctx, provider, errand);
    if (problem) await showSet(ctx, 'invitation', token, account, { upstream: [provider, problem] });
  }

  async function backFromUpstream(ctx: Koa.Context): Promise<void> {
    const provider = named(ctx);
    if (!provider) return;
    const { id } = await sessions.read(ctx);
    const returned = await deps.upstreamSteps.take(ctx, provider, errandOf(id));
    // Without the answer there is no token: the link in the letter is as good as before.
    if (returned.outcome !== 'proven') return pages.fail(ctx, 'sign_in_ended', { status: 400 });
    const token = returned.held ?? '';
    const outcome = await deps.invitations.acceptWith(token, returned.identity, originOf(ctx));
    switch (outcome.kind) {
      case 'ended':
        return pages.fail(ctx, 'link_ended', { status: 410, links: linksOf('invitation') });
      case 'taken':
        return showSet(ctx, 'invitation', token, outcome.account, { upstream: [provider, 'taken'] });
      case 'done': {
        const { id } = outcome.account;
        const several = showedSeveralFactors(provider, returned.identity);
        if (!several && (await deps.secondFactors.required(id))) {
          // As with a password: the second step is still to be shown, and is asked for on the way in.
          await sessions.end(ctx);
          ctx.redirect('/sign-in');
        } else {
          const methods = several ? [methodOf(provider), 'mfa'] : [methodOf(provider)];
          await sessions.signIn(ctx, id, methods, deps.upstreamSteps.signedInAt(returned));
          ctx.redirect(home);
        }
        ctx.status = 303;
      }
    }
  }

  function named(ctx: Koa.Context): UpstreamProvider | undefined {
    const provider = deps.upstreamSteps.upstream.find((ctx.params as { name: string }).name);
    if (!provider) pages.fail(ctx, 'not_found', { status: 404 });
    return provider;
  }

  async function againWith(
    ctx: Koa.Context,
    kind: LinkKind,
    token: string,
    again: { name?: string; problem: SetProblem },
  ): Promise<void> {
    const account = await accountLinks.find(kind, token);
    if (!account) return pages.fail(ctx, 'link_ended', { status: 410, links: linksOf(kind) });
    return showSet(ctx, kind, token, account, again);
  }

  /** Reads a posted form that came from a page that this browser was shown. */
  async function withForm(ctx: Koa.Context, next: (form: Form) => Promise<void>): Promise<void> {
    if (!isOurOwnPage(ctx.req.headers, deps.issuer)) return pages.fail(ctx, 'form_refused', { status: 403 });
    const form = await readForm(ctx.req, formBytes);
    if (isFormRefusal(form)) {
      return pages.fail(ctx, 'form_refused', { status: form.kind === 'too_large' ? 413 : 415 });
    }
    const { id } = await sessions.read(ctx);
    if (!secrets.matches(purpose, id, form.get('csrf')?.[0] ?? '')) {
      return pages.fail(ctx, 'form_refused', { status: 403 });
    }
    if (ctx.path === '/forgot-password' || (await within(ctx, tries, addressOf(ctx)))) await next(form);
  }

  async function within(ctx: Koa.Context, limit: Limit, key: string): Promise<boolean> {
    const taken = await limits.take(limit, key);
    if (taken.kind === 'allowed') return true;
    ctx.set('Retry-After', String(taken.retryAfterSeconds));
    pages.fail(ctx, 'rate_limited', { status: 429 });
    return false;
  }

  function originOf(ctx: Koa.Context): string {
    return clientAddress(ctx.req, deps.trustedProxies);
  }

  function addressOf(ctx: Koa.Context): string {
    return addressBlock(originOf(ctx));
  }
}

function typed(form: Form) {
  const password = form.get('password')?.[0] ?? '';
  const repeated = form.get('repeated')?.[0] ?? '';
  return { token: form.get('token')?.[0] ?? '', password, differs: password !== repeated };
}

/** What is answered here was begun here: no sign-in that is under way in this browser can be taken for an invitation. */
const errandOf = (sessionId: string) => `invitation ${sessionId}`;

const linksOf = (kind: LinkKind) =>
  kind === 'password_reset' ? [{ href: '/forgot-password', label: '/forgot-password' }] : [];
