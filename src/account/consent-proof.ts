/**
 * A proof of who consents, where a tool is given something sensitive by a browser whose sign-in is no longer of now. Owns what consent and
 * the account's pages have in common here; the page that asks, and how a form waits meanwhile, are `step-up.ts`'s.
 */
import type Koa from 'koa';
import type { LiveAccessSource } from '../directory/live-access.ts';
import type { PageWriter } from '../http/page-writer.ts';
import type { Form } from '../http/read-form.ts';
import type { BrowserSessions } from '../interaction/browser-session.ts';
import type { ConsentProof } from '../interaction/routes.ts';
import type { Secrets } from '../secrets.ts';
import { formPurpose, type Visit, visitOf } from './session.ts';
import type { StepUp } from './step-up.ts';

export function createConsentProof(deps: {
  sessions: BrowserSessions;
  secrets: Secrets;
  liveAccess: LiveAccessSource;
  pages: PageWriter;
  stepUp: StepUp;
}): ConsentProof {
  const { sessions, secrets, pages, stepUp } = deps;

  /** Whose session the browser brings is one question, who was asked for consent another. */
  async function findVisit(ctx: Koa.Context, userId: string | undefined): Promise<Visit | undefined> {
    const visit = await visitOf(deps, await sessions.read(ctx));
    if (visit && visit.person.user.id === userId) return visit;
    if (visit) pages.fail(ctx, 'account_changed', { status: 400 });
    else pages.fail(ctx, 'signed_out', { status: 401 });
    return undefined;
  }

  return {
    async passes(ctx, form, userId) {
      const visit = await findVisit(ctx, userId);
      return visit !== undefined && (await stepUp.passes(ctx, visit, form));
    },
    async resume(ctx, form, userId): Promise<Form | undefined> {
      const visit = await findVisit(ctx, userId);
      if (!visit) return undefined;
      if (secrets.matches(formPurpose, visit.uid, form.get('csrf')?.[0] ?? '')) {
        return (await stepUp.resume(ctx, visit, form))?.form;
      }
      pages.fail(ctx, 'form_refused', { status: 403 });
      return undefined;
    },
  };
}
