/** Which addresses may be connected to on behalf of somebody else. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** What is not on the public internet. @see https://www.iana.org/assignments/iana-ipv4-special-registry */
const specialUse = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  // Multicast, reserved, broadcast.
  ['224.0.0.0', 3],
] as const) {
  specialUse.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  // Protocol assignments: Teredo, benchmarking, ORCHID.
  ['2001::', 23],
  ['2001:db8::', 32],
  // 6to4 carries an IPv4 address.
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
] as const) {
  specialUse.addSubnet(network, prefix, 'ipv6');
}

/** Global unicast: everything else, mapped, NAT64, local or unassigned, is not public. */
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

/**
 * Tells whether an address is one of the public internet; anything that is no address is not. Pure.
 * @param address IPv4 or IPv6 in any textual form, without brackets or zone
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !specialUse.check(address, 'ipv4');
  return isIPv6(address) && globalUnicast.check(address, 'ipv6') && !specialUse.check(address, 'ipv6');
}
