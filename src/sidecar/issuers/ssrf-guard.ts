// Addresses that a URL discovered in a document must not lead to. What is configured may lead anywhere.
import { lookup as resolve, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { IssuerError } from './issuer-error.ts';
import { isAddress, withoutBrackets } from '../../protocol/host.ts';

/**
 * Link-local and loopback addresses, and the places where clouds hand credentials to any client inside. Private
 * ranges are not among them: that is where authorization servers in a cluster live.
 */
const refused = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  // The metadata services of Alibaba Cloud, Oracle Cloud and Azure.
  ['100.100.100.200', 32],
  ['192.0.0.192', 32],
  ['168.63.129.16', 32],
] as const) {
  refused.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 127],
  ['fe80::', 10],
  ['ff00::', 8],
  // 169.254.0.0/16 behind NAT64 (RFC 6052).
  ['64:ff9b::a9fe:0', 112],
  // The metadata services of AWS and Google Cloud.
  ['fd00:ec2::', 64],
  ['fd20:ce::', 64],
] as const) {
  refused.addSubnet(network, prefix, 'ipv6');
}

/** Whether an IP address is one of those; IPv4 addresses in IPv6 form count as what they are. */
export function isRefusedAddress(address: string): boolean {
  const family = isIP(address);
  return family === 0 || refused.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** Whether the host of a URL is, as it stands, such an address: for those nothing is resolved. */
export function isRefusedHost({ hostname }: URL): boolean {
  const host = withoutBrackets(hostname);
  return isAddress(host) && isRefusedAddress(host);
}

/**
 * Resolves a name for a connection, and fails when any of its addresses is refused. As a hook of the connection itself,
 * what was looked at is what is connected to: a second answer of the DNS changes nothing.
 */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error !== null) return callback(error, '');
    const [first] = addresses;
    if (first === undefined || addresses.some(({ address }) => isRefusedAddress(address))) {
      return callback(
        new IssuerError('refused_address', `${hostname} resolves to an address that is not allowed`),
        '',
      );
    }
    if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};
