// Limits failed authentications per source address, in bounded memory. Decides before a token is looked at.
import type { Clock } from '../../base/clock.ts';
import { TokenBucket } from '../../base/token-bucket.ts';
import type { Source } from './source.ts';

/** Addresses remembered. Beyond that the oldest entry is dropped: that address starts with a full bucket again. */
const MAX_ADDRESSES = 16_384;
const MINUTE_MS = 60_000;
/** Counts failed authentications by source address. */
export class FailureLimit {
  readonly #perMinute: number;
  readonly #clock: Clock;
  readonly #size: number;
  readonly #buckets = new Map<string, TokenBucket>();
  /** Connections of which a token has failed. */
  readonly #failed = new WeakSet();

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
   * Whether a token that is not known may be looked at. One token of each connection always is: the handshake has cost
   * more, and an address that many share is not closed to those who send good ones.
   * @returns seconds to wait when the address, and this connection, has failed too often; undefined when it may be
   */
  ask({ network, connection }: Source): number | undefined {
    if (!this.#failed.has(connection)) return undefined;
    const waitMs = this.#buckets.get(network)?.wait(this.#clock()) ?? 0;
    return waitMs === 0 ? undefined : seconds(waitMs);
  }

  /**
   * Counts one failure.
   * @returns seconds to wait when the address has failed too often; undefined when it has not
   */
  count({ network, connection }: Source): number | undefined {
    const now = this.#clock();
    this.#failed.add(connection);
    const waitMs = this.#bucket(network, now).take(now);
    return waitMs === 0 ? undefined : seconds(waitMs);
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

function seconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1000);
}
