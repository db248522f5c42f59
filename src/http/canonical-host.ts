/**
 * One name for this server: requests for another host are refused, and every URL that the library builds starts with the issuer,
 * whatever headers say.
 */
import type { IncomingMessage } from 'node:http';
import type Koa from 'koa';

/** Tells whether a request is for the issuer's host (RFC 9110 section 7.4: else 421). Pure. */
export function isCanonicalHost(request: Pick<IncomingMessage, 'headers'>, issuer: string): boolean {
  return request.headers.host?.toLowerCase() === new URL(issuer).host;
}

/** Makes Koa's view of protocol and host the issuer's; X-Forwarded-* and Host cannot change what is issued. */
export function pinHost(app: Pick<Koa, 'request'>, issuer: string): void {
  const { protocol, host, hostname } = new URL(issuer);
  const fixed = { protocol: protocol.slice(0, -1), host, hostname };
  for (const [name, value] of Object.entries(fixed)) {
    Object.defineProperty(app.request, name, { get: () => value, configurable: true });
  }
}
