/** `/account/security`: a person's password, and the browsers that they are signed in with. */
import Router from '@koa/router';
import type Koa from 'koa';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { Actor } from '../changes/change-log.ts';
import { checkNewPassword } from '../directory/new-password.ts';
import type { Passwords } from '../directory/passwords.ts';
import type { SessionStore } from '../directory/session-store.ts';
import type { UserStore } from '../directory/user-store.ts';
import { addressBlock, clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { Words } from '../http/messages.ts';
import type { Form } from '../http/read-form.ts';
import type { BrowserSessions } from '../interaction/browser-session.ts';
import type { KnownBrowsers } from '../interaction/known-browser.ts';
import type { SignIn } from '../interaction/sign-in.ts';
import type { UnitsOfWork } from '../oauth/unit-of-work.ts';
import type { SecondFactors } from '../sign-in/second-factors.ts';
import { securityHref } from './security-page.ts';
import type { AccountSession, Visit } from './session.ts';
import type { ShowSecurity } from './show-security.ts';
import type { StepUp } from './step-up.ts';

export interface SecurityDependencies {
  readonly session: AccountSession;
  readonly sessions: BrowserSessions;
  readonly sessionList: SessionStore;
  readonly signIn: SignIn;
  readonly knownBrowsers: KnownBrowsers;
  readonly passwords: Passwords;
  readonly users: UserStore;
  readonly authorizations: AuthorizationStore;
  readonly showSecurity: ShowSecurity;
  readonly stepUp: StepUp;
  readonly secondFactors: Pick<SecondFactors, 'required'>;
  readonly units: UnitsOfWork;
  readonly trustedProxies: TrustedProxies;
}

const problemKeys = {
  too_short: 'account.security.password_too_short',
  too_long: 'account.security.password_too_long',
  common: 'account.security.password_common',
  names_account: 'account.security.password_names_account',
} as const;

export function createSecurityRoutes(deps: SecurityDependencies): Router {
  const { session, sessions, sessionList, showSecurity, users } = deps;
  const router = new Router({ prefix: securityHref });
  router.get('/', (ctx) => session.visit(ctx, (visit) => showSecurity(ctx, visit)));
  router.post('/password', (ctx) => session.post(ctx, (visit, form) => changePassword(ctx, visit, form)));
  router.post('/sessions/end', (ctx) => session.post(ctx, (visit, form) => endSessions(ctx, visit, form)));
  return router;

  async function changePassword(ctx: Koa.Context, visit: Visit, form: Form): Promise<void> {
    const { user } = visit.person;
    const refuse = (status: number, text: (words: Words) => string) =>
      showSecurity(ctx, visit, { refused: { status, text } });
    const wanted = form.get('new_password')?.[0] ?? '';
    const problem = checkNewPassword(wanted, user);
    if (problem) return refuse(422, ({ t }) => t(problemKeys[problem]));
    // Somebody who signs in with a passkey alone has no present password to give. Where a second step is set up, a password alone
    // must not make a sign-in that counts as one of now: with that, the second step could be switched off.
    const account = await users.findByEmail(user.email);
    const hasPassword = account?.passwordHash != null;
    const passwordIsNotAll = !hasPassword || (await deps.secondFactors.required(user.id));
    if (passwordIsNotAll && !(await deps.stepUp.passes(ctx, visit, form))) return;
    // Nor does it prolong one that does.
    const provenAt = passwordIsNotAll ? visit.signedInAt : undefined;
    if (!hasPassword) return await setPassword(ctx, visit, form, { wanted, provenAt });
    const address = addressBlock(clientAddress(ctx.req, deps.trustedProxies));
    const password = form.get('password')?.[0] ?? '';
    const known = deps.knownBrowsers.of(ctx, user.email);
    const proof = await deps.signIn.attempt({ email: user.email, password }, address, known);
    if (proof.kind === 'too_many') {
      ctx.set('Retry-After', String(proof.retryAfterSeconds));
      const minutes = Math.max(1, Math.ceil(proof.retryAfterSeconds / 60));
      return refuse(429, ({ plural }) => plural('sign_in.too_many', minutes));
    }
    if (proof.kind === 'wrong') return refuse(403, ({ t }) => t('account.security.password_wrong'));
    await setPassword(ctx, visit, form, { wanted, provenAt });
  }

  async function setPassword(
    ctx: Koa.Context,
    visit: Visit,
    form: Form,
    { wanted, provenAt }: { wanted: string; provenAt: number | undefined },
  ): Promise<void> {
    const { user } = visit.person;
    const actor = actorOf(ctx, visit);
    const passwordHash = await deps.passwords.hash(wanted);
    const tools = form.get('tools')?.[0] === 'revoke';
    // However many there are, in steps that hold nobody up; what is handed out meanwhile ends with the old password.
    if (tools) await deps.authorizations.revokeAll(actor, { userId: user.id });
    // Ends every session, also this one, which a proof may have renewed just before; this browser gets a new one after that.
    deps.units.current().onSuccess(async (trx) => {
      await users.within(trx).update(actor, user.id, { passwordHash });
      if (tools) await deps.authorizations.revokeAll(actor, { userId: user.id }, trx);
    });
    await sessions.signIn(ctx, user.id, ['pwd'], provenAt);
    leave(ctx, tools ? 'password-tools' : 'password');
  }

  async function endSessions(ctx: Koa.Context, visit: Visit, form: Form): Promise<void> {
    const { id } = visit.person.user;
    const one = form.get('session')?.[0];
    const which = one === undefined ? { allBut: visit.uid } : { id: one };
    await sessionList.end(actorOf(ctx, visit), id, which);
    leave(ctx, one === undefined ? 'sessions' : 'session');
  }

  function leave(ctx: Koa.Context, what: string): void {
    ctx.redirect(`${securityHref}?done=${what}`);
    ctx.status = 303;
  }

  function actorOf(ctx: Koa.Context, visit: Visit): Actor {
    return { id: visit.person.user.id, origin: clientAddress(ctx.req, deps.trustedProxies) };
  }
}
