// How often a status may be written because of what pods do. What users and the operator itself change is written at once:
// none of that passes here.
import { TokenBucket } from '../base/token-bucket.ts';
import { splitKey } from '../kube/object.ts';

/** Writes of one server at any pace, as when it starts; one more is earned in each interval (milliseconds). */
const BURST = 10;
const EARNED_MS = 5 * 60_000;
/** Then one in each interval: the longest that a turn for the worse of one server can wait (milliseconds). */
const PACE_MS = 30_000;
/** Writes beyond the servers' own bursts, of all servers of a namespace: a burst, and one in each interval. */
const NAMESPACE_BURST = 30;
const NAMESPACE_MS = 2_000;
/** A shorter wait is not worth a visit (milliseconds). */
const LEAST_MS = 500;

interface Buckets {
  readonly burst: TokenBucket;
  readonly pace: TokenBucket;
}

export class StatusPace {
  readonly #servers = new Map<string, Buckets>();
  readonly #namespaces = new Map<string, TokenBucket>();

  /**
   * @param isUrgent a turn for the worse that users must learn of: it does not wait for others of its namespace
   * @returns 0 when the status may be written, else milliseconds until it may be
   */
  take(key: string, { isUrgent, now }: { readonly isUrgent: boolean; readonly now: number }): number {
    const { burst, pace } = this.#bucketsOf(key, now);
    if (burst.take(now) === 0) return 0;
    const paced = pace.take(now);
    if (paced > 0) return Math.max(LEAST_MS, Math.ceil(paced));
    const shared = isUrgent ? 0 : this.#namespaceOf(key, now).take(now);
    if (shared === 0) return 0;
    pace.give();
    return Math.max(LEAST_MS, Math.ceil(shared));
  }

  /** Forgets a server that is gone. */
  forget(key: string): void {
    this.#servers.delete(key);
  }

  #bucketsOf(key: string, now: number): Buckets {
    const buckets = this.#servers.get(key) ?? {
      burst: new TokenBucket(BURST, 1 / EARNED_MS, now),
      pace: new TokenBucket(1, 1 / PACE_MS, now),
    };
    this.#servers.set(key, buckets);
    return buckets;
  }

  #namespaceOf(key: string, now: number): TokenBucket {
    const namespace = splitKey(key).namespace ?? '';
    const bucket = this.#namespaces.get(namespace) ?? new TokenBucket(NAMESPACE_BURST, 1 / NAMESPACE_MS, now);
    this.#namespaces.set(namespace, bucket);
    return bucket;
  }
}
