/**
 * Who is in front of the account's pages. Owns the step from a browser's session to an active person with live rights, and the
 * token that binds each form to that session; does not own the session itself (`interaction/browser-session.ts`).
 */
import type Koa from 'koa';
import type { LiveAccess, LiveAccessSource } from '../directory/live-access.ts';
import { managementPermissions } from '../directory/management-permissions.ts';
import type { PageWriter } from '../http/page-writer.ts';
import { type Form, isFormRefusal, readForm } from '../http/read-form.ts';
import type { PageNav } from '../http/render.ts';
import { isOurOwnPage } from '../http/same-site.ts';
import type { BrowserSession, BrowserSessions } from '../interaction/browser-session.ts';
import type { Secrets } from '../secrets.ts';
import { returnTo } from './return-to.ts';

const formBytes = 512 * 1_024;

/** A signed-in person at one moment. */
export interface Visit {
  readonly person: LiveAccess;
  /** Of the session, whatever its id is at the moment. */
  readonly uid: string;
  /** Token of this session's forms. */
  readonly csrf: string;
  /** When the password was given; integer seconds. */
  readonly signedInAt: number;
}

export interface AccountSession {
  /** Runs a step for whoever is signed in; everybody else is sent to sign in and comes back here. */
  visit(ctx: Koa.Context, step: (visit: Visit) => Promise<void>): Promise<void>;
  /** The same for a posted form, which must come from a page that this session was shown. */
  post(ctx: Koa.Context, step: (visit: Visit, form: Form) => Promise<void>): Promise<void>;
}

/** Forms that waited for a proof of who sent them. */
interface HeldForms {
  /** @returns undefined when it was answered otherwise */
  resume(ctx: Koa.Context, visit: Visit, form: Form): Promise<{ visit: Visit; form: Form } | undefined>;
}

/** Finds whose session it is, while they are active. @returns undefined also where nobody is signed in */
export async function visitOf(
  { liveAccess, secrets }: { liveAccess: LiveAccessSource; secrets: Secrets },
  { uid, accountId, signedInAt = 0 }: BrowserSession,
): Promise<Visit | undefined> {
  const person = accountId === undefined ? undefined : await liveAccess.read(accountId);
  if (person?.live.status !== 'active') return undefined;
  return { person, uid, csrf: secrets.keyedHash(formPurpose, uid), signedInAt };
}

export function createAccountSession(deps: {
  issuer: string;
  sessions: BrowserSessions;
  secrets: Secrets;
  liveAccess: LiveAccessSource;
  pages: PageWriter;
  stepUp: HeldForms;
}): AccountSession {
  const { issuer, sessions, secrets, pages } = deps;

  async function findVisit(ctx: Koa.Context): Promise<Visit | undefined> {
    const session = await sessions.read(ctx);
    const visit = await visitOf(deps, session);
    // Suspended or gone: nothing of this browser's sign-in is left when it comes back.
    if (!visit && session.accountId !== undefined) await sessions.end(ctx);
    return visit;
  }

  return {
    async visit(ctx, step) {
      const visit = await findVisit(ctx);
      if (visit) return step(visit);
      const back = returnTo(ctx.url);
      ctx.redirect(back === undefined ? '/sign-in' : `/sign-in?${new URLSearchParams({ return_to: back })}`);
      ctx.status = 303;
    },
    async post(ctx, step) {
      if (!isOurOwnPage(ctx.req.headers, issuer)) return pages.fail(ctx, 'form_refused', { status: 403 });
      const visit = await findVisit(ctx);
      if (!visit) return pages.fail(ctx, 'signed_out', { status: 401 });
      const form = await readForm(ctx.req, formBytes);
      if (isFormRefusal(form)) {
        return pages.fail(ctx, 'form_refused', { status: form.kind === 'too_large' ? 413 : 415 });
      }
      if (!secrets.matches(formPurpose, visit.uid, form.get('csrf')?.[0] ?? '')) {
        return pages.fail(ctx, 'form_refused', { status: 403 });
      }
      if (!form.has('held')) return step(visit, form);
      const resumed = await deps.stepUp.resume(ctx, visit, form);
      if (resumed) await step(resumed.visit, resumed.form);
    },
  };
}

/** Keeps the token of our own forms apart from every other keyed hash. */
export const formPurpose = 'csrf-session';

/** The links above every page of a signed-in person. Pure. */
export function accountNav(
  visit: Visit,
  label: (key: string) => string,
  current = '/account/authorizations',
): PageNav {
  const { name, email } = visit.person.user;
  const { organization } = visit.person.live;
  const administers = managementPermissions.some(
    (permission) => !permission.startsWith('api-keys.') && organization.has(permission),
  );
  return {
    items: [
      ...(
        [
          ['/account/authorizations', 'account.nav.authorizations'],
          ['/account/security', 'account.nav.security'],
        ] as const
      ).map(([href, key]) => ({ href, label: label(key), current: href === current })),
      ...(administers ? [{ href: '/admin', label: label('account.nav.admin'), current: false }] : []),
    ],
    account: { name, email },
    signOutHref: '/session/end',
  };
}
