/** A person's accounts at other providers: one more, and its end. Each change asks for a proof unless they signed in lately. */
import Router from '@koa/router';
import type Koa from 'koa';
import type { Store } from '../../db/open.ts';
import type { Actor } from '../changes/change-log.ts';
import { clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { Words } from '../http/messages.ts';
import type { PageWriter } from '../http/page-writer.ts';
import type { Form } from '../http/read-form.ts';
import {
  type UpstreamProblem,
  type UpstreamSteps,
  upstreamProblemStatus,
  upstreamProblemWords,
} from '../interaction/upstream-steps.ts';
import type { UpstreamAccountStore } from '../sign-in/upstream-account-store.ts';
import type { UpstreamProvider } from '../sign-in/upstream-provider.ts';
import { securityHref } from './security-page.ts';
import type { AccountSession, Visit } from './session.ts';
import type { ShowSecurity } from './show-security.ts';
import type { StepUp } from './step-up.ts';

export interface UpstreamDependencies {
  readonly store: Store;
  readonly session: AccountSession;
  readonly stepUp: StepUp;
  readonly upstreamSteps: UpstreamSteps;
  readonly upstreamAccounts: UpstreamAccountStore;
  readonly showSecurity: ShowSecurity;
  readonly pages: PageWriter;
  readonly trustedProxies: TrustedProxies;
}

export function createUpstreamRoutes(deps: UpstreamDependencies): Router {
  const { session, stepUp, upstreamSteps, upstreamAccounts } = deps;
  const { upstream } = upstreamSteps;
  const router = new Router({ prefix: `${securityHref}/upstream` });
  router.post('/unlink', (ctx) => session.post(ctx, (visit, form) => unlink(ctx, visit, form)));
  router.post('/:name/link', (ctx) => session.post(ctx, (visit, form) => link(ctx, visit, form)));
  router.get('/:name/back', (ctx) => session.visit(ctx, (visit) => back(ctx, visit)));
  return router;

  function named(ctx: Koa.Context): UpstreamProvider | undefined {
    const provider = upstream.find((ctx.params as { name: string }).name);
    if (!provider) deps.pages.fail(ctx, 'not_found', { status: 404 });
    return provider;
  }

  async function link(ctx: Koa.Context, visit: Visit, form: Form): Promise<void> {
    const provider = named(ctx);
    if (!provider || !(await stepUp.passes(ctx, visit, form))) return;
    const backTo = `${securityHref}/upstream/${provider.name}/back`;
    const problem = await upstreamSteps.leave(ctx, provider, { browser: errandOf(visit), backTo });
    if (problem) await refuse(ctx, visit, provider, problem);
  }

  async function back(ctx: Koa.Context, visit: Visit): Promise<void> {
    const provider = named(ctx);
    if (!provider) return;
    const returned = await upstreamSteps.take(ctx, provider, errandOf(visit));
    if (returned.outcome !== 'proven') return refuse(ctx, visit, provider, returned.outcome);
    const linked = await deps.store.transact((trx) =>
      upstreamAccounts.link(trx, actorOf(ctx, visit), visit.person.user.id, returned.identity),
    );
    if (linked.outcome === 'linked' || (linked.outcome === 'taken' && linked.theirs)) {
      return leave(ctx, 'upstream-linked');
    }
    await refuse(ctx, visit, provider, linked.outcome === 'taken' ? 'taken' : 'too_many');
  }

  async function unlink(ctx: Koa.Context, visit: Visit, form: Form): Promise<void> {
    if (!(await stepUp.passes(ctx, visit, form))) return;
    const id = form.get('account')?.[0] ?? '';
    const outcome = await upstreamAccounts.unlink(actorOf(ctx, visit), visit.person.user.id, id);
    if (outcome !== 'last_way') return leave(ctx, 'upstream-unlinked');
    const refused = { status: 409, text: ({ t }: Words) => t('account.security.upstream_last') };
    await deps.showSecurity(ctx, visit, { refused });
  }

  function refuse(
    ctx: Koa.Context,
    visit: Visit,
    { label }: UpstreamProvider,
    problem: UpstreamProblem,
  ): Promise<void> {
    const status = upstreamProblemStatus[problem];
    const text = ({ t }: Words) => t(upstreamProblemWords[problem], { provider: label });
    return deps.showSecurity(ctx, visit, { refused: { status, text } });
  }

  function leave(ctx: Koa.Context, what: string): void {
    ctx.redirect(`${securityHref}?done=${what}`);
    ctx.status = 303;
  }

  function actorOf(ctx: Koa.Context, visit: Visit): Actor {
    return { id: visit.person.user.id, origin: clientAddress(ctx.req, deps.trustedProxies) };
  }
}

/** What is answered here was begun here: no sign-in that is under way in this browser can be taken for a link. */
const errandOf = (visit: Visit) => `link ${visit.uid}`;
