// Remembers which DPoP proofs were used, for as long as they could be used again. Judges nothing else about them.
import { digestOf } from '../tokens/token-cache.ts';

/** Proofs are remembered together with others of the same time and forgotten together with them (seconds). */
const WINDOW_SECONDS = 30;
/** About 20 MB when full: three thousand proofs a second at the default lifetime (entries). */
const MAX_ENTRIES = 262_144;

/**
 * `full`: nothing was forgotten to make room, so nobody can push out what they want to replay; and the proof was not
 * remembered, so it must not pass either (docs/adr/0013).
 */
export type Recall = 'new' | 'seen' | 'too_old' | 'full';

/** Lives as long as the process: a new configuration must not make used proofs good again. */
export class ReplayMemory {
  readonly #maxEntries: number;
  readonly #windows = new Map<number, Set<string>>();
  #size = 0;
  /** Windows before this one were forgotten, for good: a clock set back does not make their proofs good again. */
  #oldest = Number.NEGATIVE_INFINITY;

  constructor(maxEntries = MAX_ENTRIES) {
    this.#maxEntries = maxEntries;
  }

  /** Proofs remembered now. */
  get size(): number {
    return this.#size;
  }

  /**
   * Asks for a proof and remembers it, in one step.
   * @param id what tells the proof from others: its key and its `jti`
   * @param issuedAt its `iat` (seconds since the epoch)
   * @param oldest `iat` before this is refused by everybody from now on (seconds since the epoch)
   */
  recall(id: string, issuedAt: number, oldest: number): Recall {
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
