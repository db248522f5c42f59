/** The headers of every page and answer, and the policy that a page with a form to another place needs. */
import type Koa from 'koa';
import { reportsPath } from '../operations/csp-reports.ts';

const reportsName = 'csp';

/**
 * Writes a page's Content-Security-Policy. Pure.
 * @param formTargets origins or schemes beside our own that a form of this page may end at: browsers check redirects too
 */
export function contentSecurityPolicy(formTargets: readonly string[] = []): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    `form-action ${["'self'", ...formTargets].join(' ')}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
    // The one for browsers that know Reporting-Endpoints, the other for those that do not.
    `report-uri ${reportsPath}`,
    `report-to ${reportsName}`,
  ].join('; ');
}

/**
 * Names a redirect URI's place for `form-action`. Pure.
 * @returns its origin; its scheme where a source cannot name the host (private schemes, IPv6 literals)
 */
export function formTarget(redirectUri: string): string | undefined {
  const url = URL.parse(redirectUri);
  if (!url) return undefined;
  return url.origin === 'null' || url.hostname.startsWith('[') ? url.protocol : url.origin;
}

export function createSecurityHeaders({ https }: { https: boolean }): Koa.Middleware {
  const plain = contentSecurityPolicy();
  return async (ctx, next) => {
    ctx.set({
      'Content-Security-Policy': plain,
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Reporting-Endpoints': `${reportsName}="${reportsPath}"`,
      'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'DENY',
    });
    if (https) ctx.set('Strict-Transport-Security', 'max-age=63072000; includeSubDomains');
    await next();
    if (!ctx.response.get('Cache-Control')) ctx.set('Cache-Control', 'no-store');
  };
}
