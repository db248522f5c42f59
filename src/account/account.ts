/**
 * A person's own pages, as one list: the authorizations that they gave, their API keys, and what anyone may report. Owns which
 * routes there are; each file beside it owns one of them.
 */
import type Router from '@koa/router';
import type { BrowserSessions } from '../interaction/browser-session.ts';
import type { SignIn } from '../interaction/sign-in.ts';
import { type AssertedDependencies, createAssertedRoutes } from './asserted-routes.ts';
import { type AuthorizationDependencies, createAuthorizationRoutes } from './authorization-routes.ts';
import { createConfirmRoutes } from './confirm-routes.ts';
import { createHandedOnRoutes, type HandedOnDependencies } from './handed-on-routes.ts';
import { createHeirs } from './heirs.ts';
import { createKeyDesk } from './key-desk.ts';
import { createKeyRoutes, type KeyDependencies } from './key-routes.ts';
import { createLeakRoutes, type LeakDependencies } from './leak-routes.ts';
import { createListRoutes, type ListDependencies } from './list-routes.ts';
import { createPasskeyRoutes, type PasskeyDependencies } from './passkey-routes.ts';
import { createSecondFactorRoutes, type SecondFactorDependencies } from './second-factor-routes.ts';
import { createSecurityRoutes, type SecurityDependencies } from './security-routes.ts';
import { createAccountSession } from './session.ts';
import { createShowSecurity } from './show-security.ts';
import { createSituations } from './situations.ts';
import { createUpstreamRoutes, type UpstreamDependencies } from './upstream-routes.ts';

type Parts = 'session' | 'situations' | 'heirs' | 'keyDesk' | 'showSecurity';

export type AccountDependencies = Omit<ListDependencies, Parts> &
  Omit<AuthorizationDependencies, Parts> &
  Omit<AssertedDependencies, Parts> &
  Omit<HandedOnDependencies, Parts> &
  Omit<KeyDependencies, Parts> &
  Omit<SecurityDependencies, Parts> &
  Omit<PasskeyDependencies, Parts> &
  Omit<SecondFactorDependencies, Parts> &
  Omit<UpstreamDependencies, Parts> &
  Parameters<typeof createShowSecurity>[0] &
  LeakDependencies &
  Parameters<typeof createSituations>[0] &
  Parameters<typeof createKeyDesk>[0] &
  Parameters<typeof createAccountSession>[0] & {
    readonly sessions: BrowserSessions;
    readonly signIn: SignIn;
  };

/** Creates the routers of the account, to be used in this order. */
export function createAccount(deps: AccountDependencies): Router[] {
  const parts = {
    ...deps,
    session: createAccountSession(deps),
    situations: createSituations(deps),
    heirs: createHeirs(deps),
    showSecurity: createShowSecurity(deps),
    keyDesk: createKeyDesk(deps),
  };
  return [
    createListRoutes(parts),
    // Before the page of one authorization, so that no id can be taken for it.
    createKeyRoutes(parts),
    // Before it too: what was handed on is shown on the page of what it hangs on.
    createHandedOnRoutes(parts),
    createAuthorizationRoutes(parts),
    createAssertedRoutes(parts),
    createSecurityRoutes(parts),
    createPasskeyRoutes(parts),
    createSecondFactorRoutes(parts),
    createUpstreamRoutes(parts),
    createConfirmRoutes(parts),
    createLeakRoutes(deps),
  ];
}
