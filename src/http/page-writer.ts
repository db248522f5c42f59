/** Writes a page as the answer: its language, its status and its policy. */
import type Koa from 'koa';
import { buildErrorPage, type ErrorFacts, type ErrorKind } from './error-page.ts';
import { chooseLocale } from './locale.ts';
import type { Messages, Words } from './messages.ts';
import type { Renderer } from './render.ts';
import { contentSecurityPolicy } from './security-headers.ts';

export interface PageOptions {
  readonly status?: number;
  /** What `ui_locales` of the request says. */
  readonly uiLocales?: string | undefined;
  /** Places beside our own that a form of this page may end at. */
  readonly formTargets?: readonly string[];
}

export interface PageWriter {
  /** Answers with a page. @param build makes its model from the words of the reader's language; pure */
  show(ctx: Koa.Context, page: string, build: (words: Words) => object, options?: PageOptions): void;
  /** The words of the reader's language, for what has to be known before a page is built. */
  wordsFor(ctx: Koa.Context): Words;
  /** Answers with the error page. */
  fail(ctx: Koa.Context, kind: ErrorKind, facts: ErrorFacts): void;
}

export function createPageWriter({
  renderer,
  messages,
}: {
  renderer: Renderer;
  messages: Messages;
}): PageWriter {
  const show: PageWriter['show'] = (ctx, page, build, options = {}) => {
    const locale = chooseLocale(options.uiLocales, ctx.get('Accept-Language'));
    ctx.status = options.status ?? 200;
    ctx.type = 'html';
    ctx.set('Content-Language', locale);
    ctx.set('Cache-Control', 'no-store');
    ctx.vary('Accept-Language');
    if (options.formTargets) ctx.set('Content-Security-Policy', contentSecurityPolicy(options.formTargets));
    ctx.body = renderer.render(page, build(messages.words(locale)), locale);
  };
  return {
    show,
    wordsFor: (ctx) => messages.words(chooseLocale(undefined, ctx.get('Accept-Language'))),
    fail(ctx, kind, facts) {
      show(
        ctx,
        'error',
        (words) => buildErrorPage(kind, { ...facts, requestId: ctx.state.requestId as string }, words),
        {
          status: facts.status,
        },
      );
    },
  };
}
