/**
 * The pages of the device flow inside the library's own requests: code entry, comparison, the end.
 * @see RFC 8628 section 3.3
 */
import type { errors, KoaContextWithOIDC } from 'oidc-provider';
import type { ClientStore } from '../clients/client-store.ts';
import type { Clock } from '../clock.ts';
import { clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { PageWriter } from '../http/page-writer.ts';
import type { DevicePages } from '../oauth/pages.ts';
import { showUserCode } from '../oauth/user-code.ts';
import { faceOf } from './client-face.ts';
import { factsOf } from './client-facts.ts';
import {
  buildDeviceConfirmPage,
  buildDeviceEntryPage,
  type DeviceDonePage,
  type DeviceProblem,
} from './device-page.ts';
import type { UserCodeGuesses } from './user-code-guesses.ts';

/** Where a code that came in the address waits for the entry page. */
export const typedCode = 'typedUserCode';

export function createDevicePages(deps: {
  pages: PageWriter;
  clients: ClientStore;
  clock: Clock;
  trustedProxies: TrustedProxies;
  guesses: UserCodeGuesses;
}): DevicePages {
  const { pages, clients, clock, guesses } = deps;
  const secretOf = (ctx: KoaContextWithOIDC) =>
    (ctx.oidc.session as { state?: { secret?: string } }).state?.secret ?? '';

  return {
    deviceInfo: (ctx) => ({
      address: clientAddress(ctx.req, deps.trustedProxies),
      user_agent: ctx.get('User-Agent').slice(0, 300),
      requested_at: clock.now(),
    }),

    async userCodeInput(ctx, _form, _out, error) {
      if (error?.name === 'AbortedError') {
        pages.show(ctx, 'device-done', (): DeviceDonePage => ({ outcome: abortedBy(ctx) }));
        return;
      }
      const session = ctx.oidc.session as { touched?: boolean; exp?: number } | undefined;
      if (error?.name === 'SessionNotFound' || (error && session?.exp === undefined)) {
        // The library has put a secret into a session that nobody has, and would fail to prolong it.
        if (session) session.touched = false;
        pages.fail(ctx, 'interaction_expired', { status: 400 });
        return;
      }
      if (error?.name === 'NotFoundError') guesses.countWrong(ctx);
      pages.show(
        ctx,
        'device-entry',
        () =>
          buildDeviceEntryPage({
            action: '/device',
            xsrf: secretOf(ctx),
            typed:
              (error as { userCode?: string } | undefined)?.userCode ??
              (ctx.state[typedCode] as string | undefined),
            problem: error && problemOf(error),
          }),
        { status: error ? ctx.status : 200 },
      );
    },

    async userCodeConfirm(ctx, _form, client, info) {
      const stored = await clients.find(client.clientId);
      if (!stored) throw new Error('the client of a device code is gone');
      pages.show(ctx, 'device-confirm', () =>
        buildDeviceConfirmPage({
          action: '/device',
          xsrf: secretOf(ctx),
          userCode: showUserCode(String(ctx.oidc.entities.DeviceCode?.userCode)),
          client: factsOf(stored),
          address: String(info.address),
          userAgent: String(info.user_agent),
          requestedAt: Number(info.requested_at),
          now: clock.now(),
        }),
      );
    },

    async deviceDone(ctx) {
      const clientId = ctx.oidc.client?.clientId;
      const stored = clientId ? await clients.find(clientId) : undefined;
      pages.show(
        ctx,
        'device-done',
        (): DeviceDonePage => ({
          outcome: 'approved',
          ...(stored ? { client: faceOf(factsOf(stored)) } : {}),
          authorizationsHref: '/account/authorizations',
        }),
      );
    },
  };
}

/** The comparison page aborts at the entry route; the consent page denies through the resume route. */
function abortedBy(ctx: KoaContextWithOIDC): DeviceDonePage['outcome'] {
  return ctx.oidc.route === 'device_resume' ? 'denied' : 'cancelled';
}

function problemOf(error: errors.OIDCProviderError | Error): DeviceProblem {
  switch (error.name) {
    case 'NoCodeError':
      return { kind: 'no_code' };
    case 'ExpiredError':
      return { kind: 'expired' };
    case 'AlreadyUsedError':
      return { kind: 'used' };
    default:
      return { kind: 'not_found' };
  }
}
