/** Mounts the administration's pages and forms: who is there, which page, what after a form. Every form performs an operation. */
import Router from '@koa/router';
import type Koa from 'koa';
import type { AccountSession, Visit } from '../../account/session.ts';
import type { StepUp } from '../../account/step-up.ts';
import { clientAddress, type TrustedProxies } from '../../http/client-address.ts';
import type { Messages, Words } from '../../http/messages.ts';
import type { PageWriter } from '../../http/page-writer.ts';
import type { Form } from '../../http/read-form.ts';
import { type Caller, readCaller } from '../api/caller.ts';
import { type AdminDeps, requirePermission } from '../api/operation.ts';
import { type Problem, problems, Refusal } from '../api/problem.ts';
import type { FormDefinition, PageDefinition, PageRequest } from './page.ts';
import type { AdminPage, FramedPage } from './page-model.ts';
import { visibleSections } from './sections.ts';

/** Where the pages are. */
const pagesRoot = '/admin';

type Context = Koa.Context & { params: Record<string, string> };

export function createAdminPages(deps: {
  admin: AdminDeps;
  session: AccountSession;
  stepUp: StepUp;
  pages: PageWriter;
  messages: Messages;
  trustedProxies: TrustedProxies;
  definitions: {
    readonly home: PageDefinition;
    readonly pages: readonly PageDefinition[];
    readonly forms: readonly FormDefinition[];
  };
}): Router {
  const { admin, session, pages, trustedProxies, definitions } = deps;
  const router = new Router({ prefix: pagesRoot });

  router.get('/', (ctx) =>
    session.visit(ctx, async (visit) => {
      const [first] = visibleSections(visit.person.live.organization);
      if (!first) return pages.fail(ctx, 'forbidden', { status: 403 });
      if (first.href === pagesRoot) return await show(ctx, visit, definitions.home);
      ctx.redirect(first.href);
      ctx.status = 303;
    }),
  );
  for (const page of definitions.pages) {
    router.get(page.path, (ctx) => session.visit(ctx, (visit) => show(ctx, visit, page)));
  }
  for (const form of definitions.forms) {
    router.post(form.path, (ctx) => session.post(ctx, (visit, posted) => submit(ctx, visit, form, posted)));
  }
  return router;

  async function show(
    ctx: Context,
    visit: Visit,
    page: PageDefinition,
    refused?: { problem: Problem; typed: Form },
  ): Promise<void> {
    await facing(ctx, async () => {
      const request = await requestOf(ctx, visit, refused?.typed);
      requirePermission(request.caller, page.anyOf);
      const built = await page.build(request);
      const notice = refused
        ? { tone: 'problem' as const, text: sentenceOf(refused.problem, request.words) }
        : ctx.query.saved === undefined
          ? undefined
          : { tone: 'info' as const, text: request.words.t('admin.saved') };
      write(ctx, visit, request.caller, page.section, built, {
        ...(notice && { notice }),
        status: refused ? problems[refused.problem.code].status : 200,
      });
    });
  }

  async function submit(ctx: Context, visit: Visit, form: FormDefinition, posted: Form): Promise<void> {
    await facing(ctx, async () => {
      const request = await requestOf(ctx, visit, posted);
      const first = await form.before?.(request, posted);
      if (first) return write(ctx, visit, request.caller, form.page.section, first);
      const input = await form.input(posted, ctx.params, admin);
      const outcome = await form.operation.perform(admin, request.caller, input);
      if (outcome.kind === 'refused') {
        // Asks for a proof and goes on with the same form; it is not passed here.
        const stale = outcome.problem.code === 'sign_in_again';
        if (stale && !(await deps.stepUp.passes(ctx, visit, posted))) return;
        // Whether it may be known at all is for the page to say.
        return await show(ctx, visit, form.page, { problem: outcome.problem, typed: posted });
      }
      const next = form.done(outcome.answer, ctx.params, request.words);
      if (typeof next !== 'string') return write(ctx, visit, request.caller, form.page.section, next);
      ctx.redirect(`${next}${next.includes('?') ? '&' : '?'}saved`);
      ctx.status = 303;
    });
  }

  async function requestOf(ctx: Context, visit: Visit, typed?: Form): Promise<PageRequest> {
    const origin = clientAddress(ctx.req, trustedProxies);
    const via = { kind: 'session', signedInAt: visit.signedInAt } as const;
    const caller = await readCaller(admin, visit.person.user.id, origin, via);
    if (!caller) throw new Refusal({ code: 'not_signed_in', params: {} });
    return {
      deps: admin,
      caller,
      words: pages.wordsFor(ctx),
      params: ctx.params,
      query: Object.fromEntries(new URLSearchParams(ctx.querystring)),
      typed,
      async ask(operation, input = {}) {
        const outcome = await operation.perform(admin, caller, input);
        if (outcome.kind === 'refused') throw new Refusal(outcome.problem);
        return outcome.answer;
      },
    };
  }

  /** Answers what a page itself was refused. */
  async function facing(ctx: Context, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status } = problems[error.problem.code];
      if (status === 404 || status === 422) return pages.fail(ctx, 'not_found', { status: 404 });
      return pages.fail(ctx, 'forbidden', {
        status: 403,
        detail: sentenceOf(error.problem, pages.wordsFor(ctx)),
      });
    }
  }

  function write(
    ctx: Context,
    visit: Visit,
    caller: Caller,
    current: string,
    page: AdminPage,
    { notice, status = 200 }: { notice?: FramedPage['notice']; status?: number } = {},
  ): void {
    pages.show(
      ctx,
      'admin/page',
      (words): FramedPage => ({
        ...page,
        nav: {
          items: [
            { href: '/account/authorizations', label: words.t('admin.nav.own'), current: false },
            { href: pagesRoot, label: words.t('admin.nav.title'), current: true },
          ],
          account: { name: visit.person.user.name, email: visit.person.user.email },
          signOutHref: '/session/end',
        },
        sections: visibleSections(caller.permissions).map(({ name, href, label }) => ({
          href,
          label: words.t(label),
          current: name === current,
        })),
        ...(notice && { notice }),
        csrf: visit.csrf,
        now: admin.clock.now(),
      }),
      { status },
    );
  }
}

function sentenceOf({ code, params, members = [] }: Problem, words: Words): string {
  const sentence = words.t(problems[code].message, params);
  const details = members.map(({ pointer, detail }) => `${pointer.split('/').at(-1)}: ${detail}`);
  return details.length === 0 ? sentence : `${sentence} ${details.join('; ')}.`;
}
