/** Who asks the JSON API: the person whose browser session it is, with proof that a page of ours sent what changes something. */
import type Koa from 'koa';
import { formPurpose } from '../../account/session.ts';
import { clientAddress, type TrustedProxies } from '../../http/client-address.ts';
import { isOurOwnPage } from '../../http/same-site.ts';
import type { BrowserSessions } from '../../interaction/browser-session.ts';
import type { Secrets } from '../../secrets.ts';
import { type Caller, readCaller } from './caller.ts';
import type { AdminDeps } from './operation.ts';
import { refusal } from './problem.ts';

/** Header with the session's token, for everything but reading. */
const csrfHeader = 'X-CSRF-Token';

export interface SessionAccess {
  /** @throws Refusal `not_signed_in` or `request_forged` */
  callerOf(ctx: Koa.Context): Promise<{ readonly caller: Caller; readonly csrf: string }>;
}

export function createSessionAccess(deps: {
  issuer: string;
  trustedProxies: TrustedProxies;
  sessions: BrowserSessions;
  secrets: Secrets;
  liveAccess: AdminDeps['liveAccess'];
  roles: AdminDeps['roles'];
}): SessionAccess {
  const { issuer, trustedProxies, sessions, secrets } = deps;
  return {
    async callerOf(ctx) {
      const { uid, accountId, signedInAt = 0 } = await sessions.read(ctx);
      const caller =
        accountId === undefined
          ? undefined
          : await readCaller(deps, accountId, clientAddress(ctx.req, trustedProxies), {
              kind: 'session',
              signedInAt,
            });
      if (!caller) throw refusal('not_signed_in');
      const reads = ctx.method === 'GET' || ctx.method === 'HEAD';
      const ours = isOurOwnPage(ctx.req.headers, issuer);
      if (!reads && !(ours && secrets.matches(formPurpose, uid, ctx.get(csrfHeader)))) {
        throw refusal('request_forged', { header: csrfHeader });
      }
      return { caller, csrf: secrets.keyedHash(formPurpose, uid) };
    },
  };
}
