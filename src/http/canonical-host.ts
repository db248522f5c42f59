/**
 * One name for this server: requests for another host are refused, and every URL that the library builds starts with the issuer,
 * whatever headers say.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Koa from 'koa';

/**
 * Makes of a request that names the whole address, as one to a proxy does, the same one with a path. The address says for which host it
 * is, whatever the Host header says (RFC 9112 section 3.2.2).
 */
export function inOriginForm(request: IncomingMessage): IncomingMessage {
  const [, host, target = ''] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(request.url ?? '') ?? [];
  if (host === undefined) return request;
  request.headers.host = host;
  request.url = target.startsWith('/') ? target : `/${target}`;
  return request;
}

/**
 * Refuses a request that names two hosts, which somebody before us may have taken the other one of (RFC 9112 section 3.2).
 * @returns whether it answered
 */
export function refuseTwoHosts({ rawHeaders }: IncomingMessage, response: ServerResponse): boolean {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts <= 1) return false;
  // What follows on this connection is not believed either.
  response.writeHead(400, { Connection: 'close' }).end();
  return true;
}

/** Refuses a request for another host than the issuer's (RFC 9110 section 7.4). @returns whether it answered */
export function refuseOtherHost(request: IncomingMessage, response: ServerResponse, issuer: string): boolean {
  const { host, port, protocol } = new URL(issuer);
  const named = request.headers.host?.toLowerCase();
  // With the port that goes without saying it is the same one (RFC 9110 section 4.2.3); many proxies write it out.
  if (named === host || (port === '' && named === `${host}:${protocol === 'https:' ? 443 : 80}`))
    return false;
  response.writeHead(421, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`this server is ${issuer}\n`);
  return true;
}

/** Makes Koa's view of protocol and host the issuer's; X-Forwarded-* and Host cannot change what is issued. */
export function pinHost(app: Pick<Koa, 'request'>, issuer: string): void {
  const { protocol, host, hostname } = new URL(issuer);
  const fixed = { protocol: protocol.slice(0, -1), host, hostname };
  for (const [name, value] of Object.entries(fixed)) {
    Object.defineProperty(app.request, name, { get: () => value, configurable: true });
  }
}
