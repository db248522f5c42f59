/** `GET /`: the start page, which links to nothing that this server has not. */
import Router from '@koa/router';
import type { PageWriter } from './page-writer.ts';
import { buildStartPage } from './start-page.ts';

/** Pages that every server has, whoever may see them. */
const ours = ['/admin', '/device', '/.well-known/oauth-authorization-server'];

/** @param deps.account routers of people's own pages, which may be linked to */
export function createStartRoutes(deps: {
  issuer: string;
  demo: { readonly loaded: boolean; readonly platform?: string };
  pages: PageWriter;
  account: readonly Pick<Router, 'match'>[];
}): Router {
  const { issuer, pages, account } = deps;
  const { loaded, platform } = deps.demo;
  const offers = (path: string) =>
    ours.includes(path) || account.some((router) => router.match(path, 'GET').route);
  return new Router().get('/', (ctx) =>
    pages.show(ctx, 'start', (words) => buildStartPage({ issuer, demo: loaded, platform, offers }, words)),
  );
}
