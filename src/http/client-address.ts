/**
 * Where a request comes from, as far as it can be believed: X-Forwarded-For counts only from the proxies that the operator named.
 */
import type { IncomingMessage } from 'node:http';

/**
 * Finds the client's address. Pure.
 * @param trustedHops how many proxies of ours append to X-Forwarded-For; whatever is left of them was written by anyone
 */
export function clientAddress(
  request: Pick<IncomingMessage, 'headers' | 'socket'>,
  trustedHops: number,
): string {
  const direct = withoutMapping(request.socket.remoteAddress ?? 'unknown');
  if (trustedHops === 0) return direct;
  const header = request.headers['x-forwarded-for'];
  const hops = [header ?? []]
    .flat()
    .join(',')
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '');
  return withoutMapping(hops.at(-trustedHops) ?? direct);
}

/**
 * Folds an address to what one household or host has, for counting: an IPv6 address to its /64. Pure.
 */
export function addressBlock(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const left = head.split(':').filter((group) => group !== '');
  const right = tail === undefined ? [] : tail.split(':').filter((group) => group !== '');
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`;
}

function withoutMapping(address: string): string {
  return address.toLowerCase().startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
