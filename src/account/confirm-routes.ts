/** What the script of the page that asks for a proof asks the server for. */
import Router from '@koa/router';
import type { Passkeys } from '../sign-in/passkeys.ts';
import type { AccountSession } from './session.ts';

export function createConfirmRoutes({
  session,
  passkeys,
}: {
  session: AccountSession;
  passkeys: Passkeys;
}): Router {
  return new Router().post('/account/confirm/passkey-options', (ctx) =>
    session.post(ctx, async (visit) => {
      ctx.set('Cache-Control', 'no-store');
      ctx.body = await passkeys.ask('passkey_confirm', visit.uid, visit.person.user.id);
    }),
  );
}
