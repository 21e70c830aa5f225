// Where requests come from, as far as limits tell senders apart before it is known who they are.
import { isIPv6, type Socket } from 'node:net';

export interface Source {
  /** The address, or the /64 that it is in. */
  readonly network: string;
  /** One object for each connection. */
  readonly connection: object;
}

export function sourceOf(socket: Socket): Source {
  return { network: networkOf(socket.remoteAddress ?? ''), connection: socket };
}

/** An IPv6 subscriber has at least a whole /64 (RFC 6177): an attacker could use a new address for each request. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!isIPv6(plain)) return plain;
  const [left = [], right = []] = plain
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
