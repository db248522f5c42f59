/**
 * Where a request comes from, as far as it can be believed: X-Forwarded-For counts only from the proxies that the operator named.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { TrustedProxySetting } from '../config.ts';

/** Which proxies are believed; made once, by `createTrustedProxies`. */
export type TrustedProxies =
  | { readonly kind: 'hops'; readonly hops: number }
  | { readonly kind: 'networks'; readonly contains: (address: string) => boolean };

/** Makes what the operator set ready for use. Pure. */
export function createTrustedProxies(setting: TrustedProxySetting): TrustedProxies {
  if (setting.kind === 'hops') return setting;
  const networks = new BlockList();
  for (const { address, prefix, family } of setting.networks) networks.addSubnet(address, prefix, family);
  return {
    kind: 'networks',
    // Also finds an IPv4 address that is written as an IPv6 one.
    contains: (address) => networks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'),
  };
}

/**
 * Finds the client's address. Pure.
 * @param trusted counted: how many proxies of ours append to X-Forwarded-For, whoever connects; named: the address is the last
 *   one that is none of theirs, and a header from anybody else is nothing. Whatever is left of that was written by anyone.
 */
export function clientAddress(
  request: Pick<IncomingMessage, 'headers' | 'socket'>,
  trusted: TrustedProxies,
): string {
  const direct = withoutMapping(request.socket.remoteAddress ?? 'unknown');
  if (trusted.kind === 'hops') {
    if (trusted.hops === 0) return direct;
    // With its port, every connection would be somebody else to the limits.
    return withoutMapping(withoutPort(forwardedFor(request).at(-trusted.hops) ?? direct));
  }
  let address = direct;
  for (const hop of forwardedFor(request).reverse()) {
    if (isIP(address) === 0 || !trusted.contains(address)) return address;
    const next = withoutMapping(withoutPort(hop));
    // A proxy of ours that does not know either ("unknown"): it is as far as anything can be believed.
    if (isIP(next) === 0) return address;
    address = next;
  }
  return address;
}

function forwardedFor({ headers }: Pick<IncomingMessage, 'headers'>): string[] {
  return [headers['x-forwarded-for'] ?? []]
    .flat()
    .join(',')
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '');
}

/** Some proxies append the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(hop: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop;
}

/**
 * Folds an address to what one household or host has, for counting: an IPv6 address to its /64, however it is written. Pure.
 */
export function addressBlock(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const left = head.split(':').filter((group) => group !== '');
  const right = tail === undefined ? [] : tail.split(':').filter((group) => group !== '');
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  const network = [...left, ...zeros, ...right].slice(0, 4);
  return `${network.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`;
}

/** An IPv4 address that is written as an IPv6 one is an IPv4 address (RFC 4291 section 2.5.5.2). */
function withoutMapping(address: string): string {
  // As Node writes them; every request has one.
  if (address.includes('.') && /^::ffff:/i.test(address)) return address.slice(7);
  const [, high, low] = mapped.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  const [one, other] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [one >> 8, one & 255, other >> 8, other & 255].join('.');
}

const mapped = /^(?:::|(?:0{1,4}:){5})ffff:([\da-f]{1,4}):([\da-f]{1,4})$/i;
