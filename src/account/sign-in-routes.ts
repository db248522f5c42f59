/** `/sign-in`: signing in to one's own account, with no tool behind it. Leads back only to a page of ours (`return-to.ts`). */
import Router from '@koa/router';
import type Koa from 'koa';
import { addressBlock, clientAddress } from '../http/client-address.ts';
import type { PageWriter } from '../http/page-writer.ts';
import { isFormRefusal, readForm } from '../http/read-form.ts';
import { isOurOwnPage } from '../http/same-site.ts';
import type { BrowserSession, BrowserSessions } from '../interaction/browser-session.ts';
import type { SignIn } from '../interaction/sign-in.ts';
import { buildSignInPage, type SignInInput } from '../interaction/sign-in-page.ts';
import type { Secrets } from '../secrets.ts';
import { returnTo } from './return-to.ts';

const formBytes = 16 * 1_024;
const home = '/account/authorizations';
const purpose = 'csrf-sign-in';

export interface SignInDependencies {
  readonly issuer: string;
  readonly sessions: BrowserSessions;
  readonly signIn: SignIn;
  readonly secrets: Secrets;
  readonly pages: PageWriter;
  readonly trustedProxyHops: number;
}

export function createSignInRoutes(deps: SignInDependencies): Router {
  const { issuer, sessions, signIn, secrets, pages } = deps;
  const router = new Router();
  router.get('/sign-in', (ctx) => withTarget(ctx, (target) => show(ctx, target)));
  router.post('/sign-in', (ctx) => withTarget(ctx, (target) => submit(ctx, target)));
  return router;

  /** Refuses to sign anybody in for a place that is not ours. */
  async function withTarget(ctx: Koa.Context, next: (target: string) => Promise<void>): Promise<void> {
    const given = new URLSearchParams(ctx.querystring).getAll('return_to');
    const target = given.length === 0 ? home : given.length === 1 ? returnTo(given[0]) : undefined;
    if (target === undefined) return pages.fail(ctx, 'form_refused', { status: 403 });
    await next(target);
  }

  async function show(ctx: Koa.Context, target: string): Promise<void> {
    const session = await sessions.keep(ctx);
    if (session.accountId !== undefined) return leave(ctx, target);
    page(ctx, target, session);
  }

  function page(
    ctx: Koa.Context,
    target: string,
    session: BrowserSession,
    again: Partial<SignInInput> & { status?: number } = {},
  ): void {
    const { status = 200, ...input } = again;
    const action = `/sign-in?${new URLSearchParams({ return_to: target })}`;
    const csrf = secrets.keyedHash(purpose, session.id);
    pages.show(ctx, 'sign-in', () => buildSignInPage({ action, csrf, ...input }), { status });
  }

  async function submit(ctx: Koa.Context, target: string): Promise<void> {
    if (!isOurOwnPage(ctx.req.headers, issuer)) return pages.fail(ctx, 'form_refused', { status: 403 });
    const form = await readForm(ctx.req, formBytes);
    if (isFormRefusal(form)) {
      return pages.fail(ctx, 'form_refused', { status: form.kind === 'too_large' ? 413 : 415 });
    }
    const session = await sessions.read(ctx);
    if (!secrets.matches(purpose, session.id, form.get('csrf')?.[0] ?? '')) {
      return pages.fail(ctx, 'form_refused', { status: 403 });
    }
    const email = form.get('email')?.[0] ?? '';
    const address = addressBlock(clientAddress(ctx.req, deps.trustedProxyHops));
    const outcome = await signIn.attempt({ email, password: form.get('password')?.[0] ?? '' }, address);
    switch (outcome.kind) {
      case 'wrong':
        return page(ctx, target, session, { email, problem: { kind: 'wrong' }, status: 401 });
      case 'too_many':
        ctx.set('Retry-After', String(outcome.retryAfterSeconds));
        return page(ctx, target, session, { email, problem: outcome, status: 429 });
      case 'signed_in':
        await sessions.signIn(ctx, outcome.user.id, ['pwd']);
        return leave(ctx, target);
    }
  }

  function leave(ctx: Koa.Context, target: string): void {
    ctx.redirect(target);
    ctx.status = 303;
  }
}
