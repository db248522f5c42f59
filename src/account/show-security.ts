/** `/account/security` as an answer: everything that the page shows, read for whoever is there. */
import type Koa from 'koa';
import type { Clock } from '../clock.ts';
import type { SessionStore } from '../directory/session-store.ts';
import type { UserStore } from '../directory/user-store.ts';
import type { Words } from '../http/messages.ts';
import type { PageWriter } from '../http/page-writer.ts';
import type { PasskeyStore } from '../sign-in/passkey-store.ts';
import type { SecondFactors } from '../sign-in/second-factors.ts';
import type { Upstream } from '../sign-in/upstream.ts';
import type { UpstreamAccountStore } from '../sign-in/upstream-account-store.ts';
import { type SecurityPage, securityHref, sessionRows, upstreamPart } from './security-page.ts';
import { accountNav, type Visit } from './session.ts';

/** Shows the page, also in place of a refusal. */
export type ShowSecurity = (
  ctx: Koa.Context,
  visit: Visit,
  showing?: {
    readonly refused?: { readonly status: number; readonly text: (words: Words) => string };
    /** With the form of a new passkey open. */
    readonly newPasskey?: boolean;
  },
) => Promise<void>;

/** What the page says after it was sent somewhere else, by the `done` of its address. */
const done = new Map([
  ['password', 'account.security.done.password'],
  ['password-tools', 'account.security.done.password_tools'],
  ['session', 'account.security.done.session'],
  ['sessions', 'account.security.done.sessions'],
  ['passkey-added', 'account.security.done.passkey_added'],
  ['passkey-renamed', 'account.security.done.passkey_renamed'],
  ['passkey-removed', 'account.security.done.passkey_removed'],
  ['authenticator-removed', 'account.security.done.authenticator_removed'],
  ['upstream-linked', 'account.security.done.upstream_linked'],
  ['upstream-unlinked', 'account.security.done.upstream_unlinked'],
]);

export function createShowSecurity(deps: {
  pages: PageWriter;
  clock: Clock;
  users: UserStore;
  sessionList: SessionStore;
  passkeyList: PasskeyStore;
  secondFactors: SecondFactors;
  upstreamAccounts: UpstreamAccountStore;
  upstreamSteps: { readonly upstream: Pick<Upstream, 'providers'> };
}): ShowSecurity {
  const { providers } = deps.upstreamSteps.upstream;
  return async (ctx, visit, { refused, newPasskey = false } = {}) => {
    const { user } = visit.person;
    const [listed, secret, passkeys, secondFactor, accounts] = await Promise.all([
      deps.sessionList.list(user.id),
      deps.users.findByEmail(user.email),
      deps.passkeyList.list(user.id),
      deps.secondFactors.of(user.id),
      deps.upstreamAccounts.list(user.id),
    ]);
    const was = done.get(String(ctx.query.done));
    deps.pages.show(
      ctx,
      'account/security',
      (words): SecurityPage => ({
        nav: accountNav(visit, words.t, securityHref),
        csrf: visit.csrf,
        now: deps.clock.now(),
        email: user.email,
        hasPassword: secret?.passwordHash != null,
        passkeys: passkeys.map(({ id, name, synced, createdAt, lastUsedAt }) => ({
          id,
          name,
          synced,
          createdAt,
          lastUsedAt,
        })),
        newPasskey,
        secondFactor,
        upstream: upstreamPart(accounts, providers),
        sessions: sessionRows(listed, visit.uid, providers, words),
        ...(refused
          ? { notice: { tone: 'problem', text: refused.text(words) } }
          : was !== undefined && { notice: { tone: 'good', text: words.t(was) } }),
      }),
      { status: refused?.status ?? 200 },
    );
  };
}
