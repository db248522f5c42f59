/** `/sign-in`: signing in to one's own account, with no tool behind it. Leads back only to a page of ours (`return-to.ts`). */
import Router from '@koa/router';
import type Koa from 'koa';
import type { UserStore } from '../directory/user-store.ts';
import type { PageWriter } from '../http/page-writer.ts';
import { type Form, isFormRefusal, readForm } from '../http/read-form.ts';
import { isOurOwnPage } from '../http/same-site.ts';
import type { BrowserSession, BrowserSessions } from '../interaction/browser-session.ts';
import type { SignInFlow, SignInPlace } from '../interaction/sign-in-flow.ts';
import type { Secrets } from '../secrets.ts';
import type { Upstream } from '../sign-in/upstream.ts';
import { returnTo } from './return-to.ts';

const formBytes = 64 * 1_024;
const home = '/account/authorizations';
const purpose = 'csrf-sign-in';
const base = '/sign-in';
const again = { href: base, label: base };

export interface SignInDependencies {
  readonly issuer: string;
  readonly sessions: BrowserSessions;
  readonly signInFlow: SignInFlow;
  readonly users: UserStore;
  readonly upstream: Pick<Upstream, 'whereTo'>;
  readonly secrets: Secrets;
  readonly pages: PageWriter;
}

/** What the address asks for. */
interface Asked {
  readonly target: string;
  /** Somebody who is signed in proves again who they are. */
  readonly again: boolean;
}

export function createSignInRoutes(deps: SignInDependencies): Router {
  const { issuer, sessions, signInFlow, secrets, pages } = deps;
  const router = new Router();
  router.get(base, (ctx) =>
    asked(ctx, async (ask) => {
      const session = await sessions.keep(ctx);
      if (session.accountId !== undefined && !ask.again) return leave(ctx, ask.target);
      signInFlow.show(ctx, await placeOf(session, ask));
    }),
  );
  router.get(`${base}/code`, (ctx) =>
    asked(ctx, async (ask) => signInFlow.showCode(ctx, await placeOf(await sessions.read(ctx), ask))),
  );
  router.post(base, (ctx) => posted(ctx, (place, form) => signInFlow.password(ctx, place, form)));
  router.post(`${base}/code`, (ctx) => posted(ctx, (place, form) => signInFlow.code(ctx, place, form)));
  router.post(`${base}/passkey`, (ctx) => posted(ctx, (place, form) => signInFlow.passkey(ctx, place, form)));
  router.post(`${base}/passkey/options`, (ctx) =>
    posted(ctx, (place) => signInFlow.passkeyOptions(ctx, place)),
  );
  router.post(`${base}/upstream/:name`, (ctx) =>
    posted(ctx, (place) => signInFlow.upstream(ctx, place, String(ctx.params.name))),
  );
  router.get(`${base}/upstream/:name/back`, (ctx) =>
    asked(ctx, async (ask) =>
      signInFlow.upstreamBack(ctx, await placeOf(await sessions.keep(ctx), ask), String(ctx.params.name)),
    ),
  );
  // The one address that a provider knows; the step that waits for the answer may stand elsewhere.
  router.get(`${base}/upstream/:name/callback`, async (ctx) => {
    const to = await deps.upstream.whereTo(String(ctx.params.name), ctx.querystring);
    if (to === undefined) return pages.fail(ctx, 'sign_in_ended', { status: 400, links: [again] });
    leave(ctx, to);
  });
  return router;

  /** Refuses to sign anybody in for a place that is not ours. */
  async function asked(ctx: Koa.Context, next: (ask: Asked) => Promise<void>): Promise<void> {
    const query = new URLSearchParams(ctx.querystring);
    const given = query.getAll('return_to');
    const target = given.length === 0 ? home : given.length === 1 ? returnTo(given[0]) : undefined;
    if (target === undefined) return pages.fail(ctx, 'form_refused', { status: 403 });
    await next({ target, again: query.has('again') });
  }

  /** The same for a posted form, which must come from our page in this browser. */
  async function posted(
    ctx: Koa.Context,
    next: (place: SignInPlace, form: Form) => Promise<void>,
  ): Promise<void> {
    await asked(ctx, async (ask) => {
      if (!isOurOwnPage(ctx.req.headers, issuer)) return pages.fail(ctx, 'form_refused', { status: 403 });
      const form = await readForm(ctx.req, formBytes);
      if (isFormRefusal(form)) {
        return pages.fail(ctx, 'form_refused', { status: form.kind === 'too_large' ? 413 : 415 });
      }
      const session = await sessions.read(ctx);
      if (!secrets.matches(purpose, session.id, form.get('csrf')?.[0] ?? '')) {
        // Most often a page that lay open for too long: nobody is signed in, and what was typed is not lost.
        const place = await placeOf(await sessions.keep(ctx), ask);
        const email = form.get('email')?.[0] ?? '';
        return signInFlow.show(ctx, place, { email, problem: { kind: 'too_late' }, status: 403 });
      }
      await next(await placeOf(session, ask), form);
    });
  }

  async function placeOf(session: BrowserSession, { target, again }: Asked): Promise<SignInPlace> {
    const present = again && session.accountId ? await deps.users.findById(session.accountId) : undefined;
    return {
      base,
      query: `?${new URLSearchParams({ return_to: target, ...(again && { again: '1' }) })}`,
      csrf: secrets.keyedHash(purpose, session.id),
      browser: session.id,
      page: { email: present?.email },
      again,
      async signedIn(ctx, userId, methods, at) {
        if (userId === session.accountId) await sessions.renew(ctx, methods, at);
        else await sessions.signIn(ctx, userId, methods, at);
        leave(ctx, target);
      },
    };
  }

  function leave(ctx: Koa.Context, target: string): void {
    ctx.redirect(target);
    ctx.status = 303;
  }
}
