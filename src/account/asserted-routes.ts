/**
 * `/account/authorizations/:id/allow-again`: what an identity provider set up, and what then ended, is not set up again by itself. Its
 * owner alone says otherwise, and gets another authorization that says the same.
 */
import Router from '@koa/router';
import type { AssertedStore } from '../authorizations/asserted-store.ts';
import { issuerOf } from '../authorizations/asserted-store.ts';
import type { Authorization } from '../authorizations/authorization.ts';
import { clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { PageWriter } from '../http/page-writer.ts';
import type { AssertionIssuer } from '../oauth/assertion-issuer.ts';
import type { ApprovalStore } from '../policies/approval-store.ts';
import type { PolicyStore } from '../policies/policy-store.ts';
import { approvalsToAsk } from '../policy/limits.ts';
import { addsSensitive } from './reauthentication.ts';
import type { AccountSession } from './session.ts';
import type { Situations } from './situations.ts';
import type { StepUp } from './step-up.ts';

export interface AssertedDependencies {
  readonly session: AccountSession;
  readonly pages: PageWriter;
  readonly situations: Situations;
  readonly asserted: AssertedStore;
  readonly assertionIssuers?: readonly AssertionIssuer[] | undefined;
  readonly policies: Pick<PolicyStore, 'read'>;
  readonly approvals: Pick<ApprovalStore, 'of' | 'follow'>;
  readonly stepUp: StepUp;
  readonly trustedProxies: TrustedProxies;
}

/**
 * Finds the issuer that could set something up again if its owner let it: one that is trusted still, with this client. Pure.
 * @returns undefined where no issuer set it up, or none could again
 */
export function returningIssuer(
  authorization: Pick<Authorization, 'install' | 'clientId'>,
  issuers: readonly AssertionIssuer[] = [],
): AssertionIssuer | undefined {
  const setUpBy = issuerOf(authorization);
  return issuers.find(
    ({ issuer, clients }) => issuer === setUpBy && clients.includes(authorization.clientId ?? ''),
  );
}

export function createAssertedRoutes(deps: AssertedDependencies): Router {
  const { session, pages, situations, asserted } = deps;
  const router = new Router({ prefix: '/account/authorizations' });
  router.post('/:id/allow-again', (ctx) =>
    session.post(ctx, async (visit, form) => {
      const found = await situations.find(visit.person, (ctx.params as { id: string }).id);
      if (!found || found.foreign || !returningIssuer(found.authorization, deps.assertionIssuers)) {
        return pages.fail(ctx, 'not_found', { status: 404 });
      }
      const { authorization, world } = found;
      if (addsSensitive(authorization, undefined, world)) {
        // Waits as it is, and goes on here afterwards.
        if (!(await deps.stepUp.passes(ctx, visit, form))) return;
      }
      const { policy } = await deps.policies.read();
      const [{ justification = '' } = {}] = await deps.approvals.of([authorization.id]);
      const granted = authorization.capabilities;
      const actor = { id: visit.person.user.id, origin: clientAddress(ctx.req, deps.trustedProxies) };
      const outcome = await asserted.allowAgain(actor, authorization, (trx, id) =>
        deps.approvals.follow(trx, actor, id, {
          granted,
          asked: approvalsToAsk(granted, policy, new Map()),
          justification,
        }),
      );
      const href = (id: string) => `/account/authorizations/${id}`;
      if (outcome.outcome === 'not_ended') {
        const links = [{ href: href(authorization.id), label: authorization.id }];
        return pages.fail(ctx, 'changed_meanwhile', { status: 409, links });
      }
      ctx.redirect(`${href(outcome.id)}?again`);
      ctx.status = 303;
    }),
  );
  return router;
}
