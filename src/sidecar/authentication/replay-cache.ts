// Remembers used DPoP proofs, for as long as they could be replayed. Does not verify them.
import { digestOf } from '../tokens/token-cache.ts';

/** Proofs issued in the same window are forgotten together (seconds). */
const WINDOW_SECONDS = 30;
/** About 20 MB when full: three thousand proofs a second at the default lifetime (entries). */
const MAX_ENTRIES = 262_144;

/**
 * `full`: the proof must not be accepted, because it was not remembered. Nothing is evicted to make room: an attacker could
 * evict the proof to replay (docs/adr/0013).
 */
type ReplayResult = 'new' | 'seen' | 'too_old' | 'full';

/** Lives as long as the process: a new configuration must not make used proofs valid again. */
export class ReplayCache {
  readonly #maxEntries: number;
  readonly #windows = new Map<number, Set<string>>();
  #size = 0;
  /** Windows before this one are forgotten for good: a clock set back does not make their proofs valid again. */
  #oldest = Number.NEGATIVE_INFINITY;

  constructor(maxEntries = MAX_ENTRIES) {
    this.#maxEntries = maxEntries;
  }

  /** Proofs remembered now. */
  get size(): number {
    return this.#size;
  }

  /**
   * Looks a proof up and remembers it, in one step.
   * @param id its key and its `jti`
   * @param issuedAt its `iat` (seconds since the epoch)
   * @param oldest proofs with an `iat` before this are too old from now on (seconds since the epoch)
   */
  recall(id: string, issuedAt: number, oldest: number): ReplayResult {
    this.#forgetBefore(Math.floor(oldest / WINDOW_SECONDS));
    const at = Math.floor(issuedAt / WINDOW_SECONDS);
    if (at < this.#oldest) return 'too_old';
    const digest = digestOf(id);
    const window = this.#windows.get(at) ?? new Set();
    if (window.has(digest)) return 'seen';
    if (this.#size >= this.#maxEntries) return 'full';
    this.#windows.set(at, window.add(digest));
    this.#size++;
    return 'new';
  }

  #forgetBefore(oldest: number): void {
    if (oldest <= this.#oldest) return;
    this.#oldest = oldest;
    for (const [at, window] of this.#windows) {
      if (at >= oldest) continue;
      this.#size -= window.size;
      this.#windows.delete(at);
    }
  }
}
