/**
 * Administration: users, roles, projects, servers, clients, everybody's authorizations and the audit trail. Owns who may change
 * what; does not own what a change means to a token (`policy`), nor the stores that keep it.
 */

import type Router from '@koa/router';
import { createAccountSession } from '../account/session.ts';
import type { StepUp } from '../account/step-up.ts';
import type { TrustedProxies } from '../http/client-address.ts';
import type { Messages } from '../http/messages.ts';
import type { PageWriter } from '../http/page-writer.ts';
import type { BrowserSessions } from '../interaction/browser-session.ts';
import type { Secrets } from '../secrets.ts';
import type { AdminDeps } from './api/operation.ts';
import { createAdminApi } from './api/routes.ts';
import { createSessionAccess } from './api/session-access.ts';
import { createTokenAccess, type TokenAccessDependencies } from './api/token-access.ts';
import { definitions } from './pages/definitions.ts';
import { createAdminPages } from './pages/routes.ts';

export function createAdmin(
  deps: AdminDeps &
    TokenAccessDependencies & {
      issuer: string;
      trustedProxies: TrustedProxies;
      sessions: BrowserSessions;
      secrets: Secrets;
      messages: Messages;
      pages: PageWriter;
      stepUp: StepUp;
    },
): { readonly api: Router; readonly pages: Router } {
  return {
    api: createAdminApi({
      ...deps,
      admin: deps,
      sessionAccess: createSessionAccess(deps),
      tokenAccess: createTokenAccess(deps),
    }),
    pages: createAdminPages({ ...deps, admin: deps, session: createAccountSession(deps), definitions }),
  };
}
