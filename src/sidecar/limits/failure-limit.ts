// Limits failed authentications per source address, in bounded memory. Never blocks a valid token.
import { isIPv6 } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { TokenBucket } from '../../base/token-bucket.ts';

/** Addresses remembered. Beyond that the oldest entry is dropped: that address starts with a full bucket again. */
const MAX_ADDRESSES = 16_384;
const MINUTE_MS = 60_000;

/** Counts failed authentications by source address. */
export class FailureLimit {
  readonly #perMinute: number;
  readonly #clock: Clock;
  readonly #size: number;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(perMinute: number, clock: Clock, size = MAX_ADDRESSES) {
    this.#perMinute = perMinute;
    this.#clock = clock;
    this.#size = size;
  }

  /** Addresses remembered now. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Counts one failure.
   * @returns seconds to wait when the address has failed too often; undefined when it has not
   */
  count(address: string): number | undefined {
    const now = this.#clock();
    const waitMs = this.#bucket(networkOf(address), now).take(now);
    return waitMs === 0 ? undefined : Math.ceil(waitMs / 1000);
  }

  #bucket(network: string, now: number): TokenBucket {
    const known = this.#buckets.get(network);
    if (known !== undefined) return known;
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size >= this.#size && oldest !== undefined) this.#buckets.delete(oldest);
    const bucket = new TokenBucket(this.#perMinute, this.#perMinute / MINUTE_MS, now);
    this.#buckets.set(network, bucket);
    return bucket;
  }
}

/** An IPv6 subscriber has at least a whole /64 (RFC 6177): an attacker could use a new address for each request. */
function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!isIPv6(plain)) return plain;
  const [left = [], right = []] = plain
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
