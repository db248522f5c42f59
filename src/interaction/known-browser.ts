/**
 * Tells a browser that has signed in to an account before from everybody else, by a signed cookie that lives long. Attempts from it
 * are counted apart: strangers who guess at an account do not lock its owner out, and such a browser is no way around the limit.
 * @see https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
 */
import { randomBytes } from 'node:crypto';
import type Koa from 'koa';
import { emailKey } from '../directory/email-key.ts';
import { cookieNames } from '../http/cookie-names.ts';
import type { Secrets } from '../secrets.ts';

const cookieSeconds = 400 * 86_400;
/** Accounts that one browser is known to; the oldest makes room. */
const mostAccounts = 8;

export interface KnownBrowsers {
  /** Names the browser for an account's counters; undefined for one that never signed in to it. */
  of(ctx: Koa.Context, email: string): string | undefined;
  /** Remembers that the browser has signed in to an account. */
  remember(ctx: Koa.Context, email: string): void;
}

export function createKnownBrowsers({
  secrets,
  issuer,
}: {
  secrets: Secrets;
  issuer: string;
}): KnownBrowsers {
  const { known: cookieName } = cookieNames(issuer);
  /** The cookie is signed as a whole; its parts name no account to whoever reads it. */
  const tagOf = (email: string) => secrets.keyedHash('known-browser', emailKey(email)).slice(0, 22);
  const read = (ctx: Koa.Context) =>
    (ctx.cookies.get(cookieName, { signed: true }) ?? '').split('.').filter((part) => part.length === 44);
  return {
    of(ctx, email) {
      const tag = tagOf(email);
      return read(ctx).find((part) => part.startsWith(tag));
    },
    remember(ctx, email) {
      const tag = tagOf(email);
      const known = read(ctx);
      const own =
        known.find((part) => part.startsWith(tag)) ??
        tag + randomBytes(17).toString('base64url').slice(0, 22);
      const others = known.filter((part) => !part.startsWith(tag)).slice(0, mostAccounts - 1);
      ctx.cookies.set(cookieName, [own, ...others].join('.'), {
        signed: true,
        httpOnly: true,
        sameSite: 'lax',
        secure: issuer.startsWith('https:'),
        maxAge: cookieSeconds * 1_000,
      });
    },
  };
}
