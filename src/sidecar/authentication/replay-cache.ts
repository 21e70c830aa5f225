// Remembers used DPoP proofs, for as long as they could be replayed. Does not verify them.
import { FairShares, type Share } from '../limits/fair-shares.ts';
import { digestOf } from '../tokens/token-cache.ts';

/** Proofs issued in the same window are forgotten together (seconds). */
const WINDOW_SECONDS = 30;
/** About 20 MB when full: three thousand proofs a second at the default lifetime (entries). */
const MAX_ENTRIES = 262_144;

/**
 * `full`: the proof must not be accepted, because it was not remembered. Nothing is evicted to make room: an attacker could
 * evict the proof to replay (docs/adr/0013). It is full for those with the most first (docs/adr/0026).
 */
type ReplayResult = 'new' | 'seen' | 'too_old' | 'full';

/** Proofs that are forgotten together, and whose they are. */
interface Window {
  readonly proofs: Set<string>;
  readonly counts: Map<Share, number>;
}

/** Lives as long as the process: a new configuration must not make used proofs valid again. */
export class ReplayCache {
  readonly #shares: FairShares;
  readonly #windows = new Map<number, Window>();
  /** Windows before this one are forgotten for good: a clock set back does not make their proofs valid again. */
  #oldest = Number.NEGATIVE_INFINITY;

  constructor(maxEntries = MAX_ENTRIES) {
    this.#shares = new FairShares(maxEntries);
  }

  /** Proofs remembered now. */
  get size(): number {
    return this.#shares.total;
  }

  /**
   * Looks a proof up and remembers it, in one step.
   * @param owner `Principal.owner` of who presents it
   * @param id its key and its `jti`
   * @param issuedAt its `iat` (seconds since the epoch)
   * @param oldest proofs with an `iat` before this are too old from now on (seconds since the epoch)
   */
  recall(owner: string, id: string, issuedAt: number, oldest: number): ReplayResult {
    this.#forgetBefore(Math.floor(oldest / WINDOW_SECONDS));
    const at = Math.floor(issuedAt / WINDOW_SECONDS);
    if (at < this.#oldest) return 'too_old';
    const digest = digestOf(id);
    const window: Window = this.#windows.get(at) ?? { proofs: new Set(), counts: new Map() };
    if (window.proofs.has(digest)) return 'seen';
    const share = this.#shares.enter(owner);
    if (share === undefined) return 'full';
    window.proofs.add(digest);
    window.counts.set(share, (window.counts.get(share) ?? 0) + 1);
    this.#windows.set(at, window);
    return 'new';
  }

  #forgetBefore(oldest: number): void {
    if (oldest <= this.#oldest) return;
    this.#oldest = oldest;
    for (const [at, { counts }] of this.#windows) {
      if (at >= oldest) continue;
      for (const [share, count] of counts) this.#shares.leave(share, count);
      this.#windows.delete(at);
    }
  }
}
