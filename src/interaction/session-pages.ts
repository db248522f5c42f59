/** Sign-out and the protocol's errors, as pages inside the library's own requests. */

import type { ChangeHistory } from '../changes/change-history.ts';
import type { ClientStore } from '../clients/client-store.ts';
import type { UserStore } from '../directory/user-store.ts';
import type { ErrorKind } from '../http/error-page.ts';
import type { PageWriter } from '../http/page-writer.ts';
import { formTarget } from '../http/security-headers.ts';
import type { SessionPages } from '../oauth/pages.ts';
import { faceOf } from './client-face.ts';
import { factsOf } from './client-facts.ts';
import { findClientProblem } from './client-problem.ts';
import { settleReturnAddress, signOutRequestOf } from './return-after-sign-out.ts';
import type { SignedOutPage, SignOutPage } from './sign-out-page.ts';

/** Routes that a person is in front of; everywhere else an error is JSON, whatever the client says it accepts. */
const pageRoutes = new Set([
  'authorization',
  'resume',
  'end_session',
  'end_session_confirm',
  'end_session_success',
  'code_verification',
  'device_resume',
]);

export function createSessionPages(deps: {
  pages: PageWriter;
  users: UserStore;
  clients: ClientStore;
  history: ChangeHistory;
}): SessionPages {
  const { pages, users, clients } = deps;
  return {
    async signOut(ctx) {
      const { session, client: asking } = ctx.oidc;
      const user = session?.accountId ? await users.findById(session.accountId) : undefined;
      const client = asking && (await clients.find(asking.clientId));
      const address = settleReturnAddress(ctx, client);
      const target = address === undefined ? undefined : formTarget(address);
      pages.show(
        ctx,
        'sign-out',
        (): SignOutPage => ({
          action: '/session/end/confirm',
          xsrf: signOutRequestOf(ctx)?.secret ?? '',
          ...(user ? { account: { name: user.name, email: user.email } } : {}),
          ...(client ? { client: faceOf(factsOf(client, address ?? asking.redirectUris?.[0])) } : {}),
        }),
        { formTargets: target === undefined ? [] : [target] },
      );
    },
    async signedOut(ctx) {
      pages.show(ctx, 'signed-out', (): SignedOutPage => ({ signInHref: '/account/authorizations' }));
    },
    async renderError(ctx, out, error) {
      if (!pageRoutes.has(ctx.oidc.route)) {
        ctx.body = out;
        return;
      }
      const status = ctx.status >= 400 ? ctx.status : 400;
      const facts = { status, code: out.error, detail: out.error_description };
      const problem = await findClientProblem(deps, ctx, error);
      if (problem) pages.fail(ctx, problem.kind, { ...facts, ...problem.facts });
      else pages.fail(ctx, kindOf(status, error), facts);
    },
  };
}

function kindOf(status: number, error: Error): ErrorKind {
  if (status >= 500) return 'internal';
  if (status === 429) return 'rate_limited';
  return error.name === 'SessionNotFound' ? 'interaction_expired' : 'bad_request';
}
