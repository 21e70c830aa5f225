// Addresses that a URL discovered in a document must not lead to. What is configured may lead anywhere.
import { lookup as resolve, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { IssuerError } from './issuer-error.ts';
import { isAddress, withoutBrackets } from '../../protocol/host.ts';

/**
 * Link-local and loopback addresses, what is no host's (RFC 6890), and the places where clouds hand credentials to any client
 * inside. Private ranges are not among them: that is where authorization servers in a cluster live.
 */
const refused = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  // IETF assignments, the metadata service of Oracle Cloud (192.0.0.192) among them; relays of 6to4.
  ['192.0.0.0', 24],
  ['192.88.99.0', 24],
  // Multicast, reserved, broadcast.
  ['224.0.0.0', 3],
  // The metadata services of Alibaba Cloud and Azure.
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
] as const) {
  refused.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  // Unspecified, loopback, and IPv4-compatible addresses, which are obsolete (RFC 4291 section 2.5.5.1).
  ['::', 96],
  // IPv4-translated (RFC 2765 section 2.1), discarded (RFC 6666).
  ['::ffff:0:0:0', 96],
  ['100::', 64],
  // Teredo (RFC 4380), 6to4 (RFC 7526): tunnels to an IPv4 address.
  ['2001::', 32],
  ['2002::', 16],
  // Link-local, site-local (RFC 3879), multicast.
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
  // The metadata services of AWS, Google Cloud, Oracle Cloud, Linode and Scaleway.
  ['fd00:ec2::', 64],
  ['fd20:ce::', 64],
  ['fd00:c1::a9fe:a9fe', 128],
  ['fd00:a9fe:a9fe::', 64],
  ['fd00:42::42', 128],
] as const) {
  refused.addSubnet(network, prefix, 'ipv6');
}

/** Whether an IP address is one of those, or stands for an IPv4 address that is. What is no address is refused. */
export function isRefusedAddress(address: string): boolean {
  // A zone (RFC 4007 section 11) says by which interface, not to whom; BlockList finds no address with one.
  const [bare = ''] = address.split('%', 1);
  switch (isIP(bare)) {
    case 4:
      return refused.check(bare, 'ipv4');
    case 6:
      return refused.check(bare, 'ipv6') || embeddedIPv4(bare).some((ipv4) => refused.check(ipv4, 'ipv4'));
    default:
      return true;
  }
}

/** The IPv4 addresses that an IPv6 address may lead to: by a translator (NAT64), or by its interface (ISATAP). */
function embeddedIPv4(address: string): readonly string[] {
  const words = wordsOf(address);
  const [first, second, third] = words;
  const isNat64 = first === 0x64 && second === 0xff9b;
  const bytes = words.flatMap((word) => [word >> 8, word & 0xff]);
  const at = (...places: readonly number[]) => places.map((place) => bytes[place]).join('.');
  // RFC 6052 section 2.1: the well-known prefix.
  if (isNat64 && third === 0) return [at(12, 13, 14, 15)];
  // RFC 8215: a prefix for local use, of any of the lengths of RFC 6052 section 2.2. What follows the address is zero.
  if (isNat64 && third === 1) return localNat64(bytes, at);
  // RFC 5214 section 6.1, with the bit for a global address or without.
  const isIsatap = ((words[4] ?? 0) & 0xfdff) === 0 && words[5] === 0x5efe;
  return isIsatap ? [at(12, 13, 14, 15)] : [];
}

function localNat64(
  bytes: readonly number[],
  at: (...places: readonly number[]) => string,
): readonly string[] {
  const isZeroFrom = (place: number) => bytes.slice(place).every((byte) => byte === 0);
  if (isZeroFrom(11)) return [at(6, 7, 9, 10)];
  if (isZeroFrom(12)) return [at(7, 9, 10, 11)];
  return isZeroFrom(13) ? [at(9, 10, 11, 12), at(12, 13, 14, 15)] : [at(12, 13, 14, 15)];
}

/** The eight words of an IPv6 address in any spelling. */
function wordsOf(address: string): readonly number[] {
  // The URL parser writes it in one way: words in hexadecimal, one run of zeros left out.
  const [head = '', tail] = withoutBrackets(new URL(`http://[${address}]`).hostname).split('::');
  const parse = (text = '') => (text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16)));
  const [front, back] = [parse(head), parse(tail)];
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
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
