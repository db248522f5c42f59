/**
 * In which encoding a tool may say that its form is. The library reads every form as UTF-8, whatever it says of itself; another server on
 * the way may believe it and read something else.
 * @see RFC 6749 appendix B
 */
import type Koa from 'koa';

const forms = new Set(['/token', '/revoke', '/par', '/device/auth']);
const formType = /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i;
/** Those in which the letters of a form, all of them ASCII, are what they are in UTF-8: libraries say the latter two of such a form. */
const sameLetters = /^(?:utf-8|us-ascii|iso-8859-1)$/i;

/** Refuses forms of tools that say they are in an encoding they are not read in. */
export const refuseOtherCharsets: Koa.Middleware = async (ctx, next) => {
  if (ctx.method !== 'POST' || !forms.has(ctx.path)) return next();
  const type = ctx.get('Content-Type');
  if (!formType.test(type) || charsetsOf(type).every((charset) => sameLetters.test(charset))) return next();
  ctx.status = 400;
  ctx.set('Cache-Control', 'no-store');
  ctx.body = { error: 'invalid_request', error_description: 'the form must be in UTF-8' };
};

function charsetsOf(type: string): string[] {
  return [...type.matchAll(/;\s*charset\s*=\s*("[^"]*"|[^;]*)/gi)].map(([, value = '']) =>
    value.trim().replaceAll('"', ''),
  );
}
