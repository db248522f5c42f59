/** A person's passkeys: a new one, another name, its end. Each change asks for a proof unless they signed in lately. */
import Router from '@koa/router';
import type Koa from 'koa';
import type { Actor } from '../changes/change-log.ts';
import { clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { Words } from '../http/messages.ts';
import type { Form } from '../http/read-form.ts';
import { longestPasskeyName, type PasskeyStore } from '../sign-in/passkey-store.ts';
import type { Passkeys } from '../sign-in/passkeys.ts';
import { securityHref } from './security-page.ts';
import type { AccountSession, Visit } from './session.ts';
import type { ShowSecurity } from './show-security.ts';
import type { StepUp } from './step-up.ts';

export interface PasskeyDependencies {
  readonly session: AccountSession;
  readonly stepUp: StepUp;
  readonly passkeys: Passkeys;
  readonly passkeyList: PasskeyStore;
  readonly showSecurity: ShowSecurity;
  readonly trustedProxies: TrustedProxies;
}

export function createPasskeyRoutes(deps: PasskeyDependencies): Router {
  const { session, passkeys, passkeyList, stepUp } = deps;
  const router = new Router({ prefix: `${securityHref}/passkeys` });
  // A form of no fields leads here first, so that the proof is asked for before the authenticator is.
  router.post('/new', (ctx) =>
    session.post(ctx, async (visit, form) => {
      if (await stepUp.passes(ctx, visit, form)) await deps.showSecurity(ctx, visit, { newPasskey: true });
    }),
  );
  router.post('/options', (ctx) =>
    session.post(ctx, async (visit) => {
      ctx.set('Cache-Control', 'no-store');
      ctx.body = await passkeys.askForNew(visit.person.user, visit.uid);
    }),
  );
  router.post('/', (ctx) => session.post(ctx, (visit, form) => add(ctx, visit, form)));
  router.post('/rename', (ctx) =>
    session.post(ctx, async (visit, form) => {
      const name = (form.get('name')?.[0] ?? '').trim().slice(0, longestPasskeyName);
      const id = form.get('passkey_id')?.[0] ?? '';
      if (name !== '') await passkeyList.rename(actorOf(ctx, visit), visit.person.user.id, id, name);
      leave(ctx, 'passkey-renamed');
    }),
  );
  router.post('/remove', (ctx) =>
    session.post(ctx, async (visit, form) => {
      if (!(await stepUp.passes(ctx, visit, form))) return;
      const id = form.get('passkey_id')?.[0] ?? '';
      const outcome = await passkeyList.remove(actorOf(ctx, visit), visit.person.user.id, id);
      if (outcome !== 'last_way') return leave(ctx, 'passkey-removed');
      const refused = { status: 409, text: ({ t }: Words) => t('account.security.passkey_last') };
      await deps.showSecurity(ctx, visit, { refused });
    }),
  );
  return router;

  async function add(ctx: Koa.Context, visit: Visit, form: Form): Promise<void> {
    if (!(await stepUp.passes(ctx, visit, form))) return;
    const json = form.get('passkey')?.[0] ?? '';
    const name = form.get('name')?.[0] ?? '';
    const { id } = visit.person.user;
    const made = await passkeys.addNew(actorOf(ctx, visit), id, visit.uid, { json, name });
    if (made.outcome === 'added') return leave(ctx, 'passkey-added');
    await deps.showSecurity(ctx, visit, {
      newPasskey: true,
      refused: { status: 422, text: ({ t }) => t('account.security.passkey_refused') },
    });
  }

  function leave(ctx: Koa.Context, what: string): void {
    ctx.redirect(`${securityHref}?done=${what}`);
    ctx.status = 303;
  }

  function actorOf(ctx: Koa.Context, visit: Visit): Actor {
    return { id: visit.person.user.id, origin: clientAddress(ctx.req, deps.trustedProxies) };
  }
}
