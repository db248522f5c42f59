/**
 * Tells one install of a tool from another. The browser that consents is what they have in common with a machine, so a long-lived
 * cookie of ours names it; a device code names itself, so that each sign-in of a command line is its own.
 */
import { randomBytes } from 'node:crypto';
import type Koa from 'koa';
import { cookieNames } from '../http/cookie-names.ts';
import type { Secrets } from '../secrets.ts';

const cookieSeconds = 400 * 86_400;

export function createInstalls({ secrets, issuer }: { secrets: Secrets; issuer: string }) {
  const { browser: cookieName } = cookieNames(issuer);
  return {
    /** @param deviceCode the alias under which the interaction knows its device code */
    of(ctx: Koa.Context, deviceCode: string | undefined): string {
      if (deviceCode !== undefined) return secrets.keyedHash('install-device', deviceCode);
      let browser = ctx.cookies.get(cookieName, { signed: true });
      if (!browser) {
        browser = randomBytes(18).toString('base64url');
        ctx.cookies.set(cookieName, browser, {
          signed: true,
          httpOnly: true,
          sameSite: 'lax',
          secure: issuer.startsWith('https:'),
          maxAge: cookieSeconds * 1_000,
        });
      }
      return secrets.keyedHash('install-browser', browser);
    },
  };
}

export type Installs = ReturnType<typeof createInstalls>;
