/**
 * What was handed on has no page of its own: it is shown under the authorization that it hangs on, and ended there, or resumed where an
 * administrator paused it. Nothing else is done with it; whoever wants less of it edits that authorization.
 */
import Router from '@koa/router';
import type Koa from 'koa';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { HandedOnStore } from '../authorizations/handed-on.ts';
import { clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { PageWriter } from '../http/page-writer.ts';
import type { AuthorizationRights } from '../oauth/authorization-rights.ts';
import { seenBy } from '../policy/audience.ts';
import type { HandedOnEntry } from './handed-on-page.ts';
import type { AccountSession, Visit } from './session.ts';
import type { Situations } from './situations.ts';

/** Rows that a page shows; the newest of more. */
const mostRows = 50;

/** Reads what was handed on from an authorization, the newest first. */
export async function readHandedOn(
  deps: {
    handedOn: Pick<HandedOnStore, 'under'>;
    rights: AuthorizationRights;
    situations: Pick<Situations, 'clientOf'>;
  },
  id: string,
): Promise<HandedOnEntry[]> {
  const found = await deps.handedOn.under(id, mostRows);
  const byId = new Map(found.map((one) => [one.id, one]));
  return Promise.all(
    found.map(async (authorization) => {
      const rights = await deps.rights.of(authorization.id);
      const { parentId, handedOn } = authorization;
      const above = parentId === null ? undefined : byId.get(parentId);
      const seen = rights && handedOn && seenBy(rights.effective, handedOn.to, rights.world.catalogue);
      return {
        authorization,
        client: await deps.situations.clientOf(authorization.clientId),
        by: above && (await deps.situations.clientOf(above.clientId)),
        standing: rights?.granted.standing ?? 'revoked',
        scope: seen?.scope ?? [],
      };
    }),
  );
}

export interface HandedOnDependencies {
  readonly session: AccountSession;
  readonly pages: PageWriter;
  readonly situations: Situations;
  readonly authorizations: Pick<AuthorizationStore, 'find' | 'revoke' | 'resume'>;
  readonly trustedProxies: TrustedProxies;
}

/** Creates the routes; they come before those of an authorization's own page and leave to them what was not handed on. */
export function createHandedOnRoutes(deps: HandedOnDependencies): Router {
  const { session, situations, authorizations } = deps;
  const router = new Router({ prefix: '/account/authorizations' });
  router.all(['/:id', '/:id/:action', '/:id/:action/*rest'], async (ctx, next) => {
    const { id = '', action } = ctx.params as { id?: string; action?: string };
    const parentId = id.startsWith('az_') ? (await authorizations.find(id))?.parentId : null;
    if (parentId === null || parentId === undefined) return next();
    const home = `/account/authorizations/${parentId}#handed-on`;
    if (ctx.method === 'POST') {
      return session.post(ctx, (visit) => change(ctx, visit, { id, action, home }));
    }
    return session.visit(ctx, async (visit) => {
      if (!(await situations.find(visit.person, id)))
        return deps.pages.fail(ctx, 'not_found', { status: 404 });
      leave(ctx, home);
    });
  });
  return router;

  async function change(
    ctx: Koa.Context,
    visit: Visit,
    { id, action, home }: { id: string; action: string | undefined; home: string },
  ): Promise<void> {
    const found = await situations.find(visit.person, id);
    if (!found || (action !== 'revoke' && action !== 'resume')) {
      return deps.pages.fail(ctx, 'not_found', { status: 404 });
    }
    const origin = clientAddress(ctx.req, deps.trustedProxies);
    // What has ended meanwhile is not resumed; the page shows it as it is.
    await authorizations[action]({ id: visit.person.user.id, origin }, id);
    leave(ctx, home);
  }
}

function leave(ctx: Koa.Context, to: string): void {
  ctx.redirect(to);
  ctx.status = 303;
}
