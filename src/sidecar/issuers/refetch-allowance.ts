// How often tokens with unknown key ids may cause a fetch of keys: rarely, and not so that strangers use it all up.
import { digestOf } from '../tokens/token-cache.ts';

/** Between fetches that unknown key ids cause: made-up ones cause no more than this (milliseconds). */
export const COOLDOWN_MS = 10_000;
/** A key id that comes again after this long is that of a client that was told to come again (milliseconds). */
export const RETURN_MS = 1_000;
/** Key ids that are remembered; the oldest goes first. */
const MAX_REMEMBERED = 2_048;
/** Of the digest of a key id: two that are the same here do no harm (characters). */
const MARK_LENGTH = 8;

/**
 * Two budgets, each of one fetch within the cool-down. The first unknown key id takes the one. The other is a reserve for a
 * key id that comes back: a client with a token of a new key tries again, whereas made-up key ids are new each time. An
 * attacker who repeats his own uses up both, and no more than that.
 */
export class RefetchAllowance {
  #taken = Number.NEGATIVE_INFINITY;
  #reserveTaken = Number.NEGATIVE_INFINITY;
  /** When a key id came first, by its mark: since the last fetch that any of them caused. */
  #waiting = new Map<string, number>();

  /**
   * Whether a token with this key id may cause a fetch now; if so, it is taken.
   * @param now milliseconds since the epoch
   */
  take(kid: string | undefined, now: number): boolean {
    if (hasPassed(this.#taken, now, COOLDOWN_MS)) {
      this.#taken = now;
      return this.#granted();
    }
    if (!this.#returns(kid, now) || !hasPassed(this.#reserveTaken, now, COOLDOWN_MS)) return false;
    this.#reserveTaken = now;
    return this.#granted();
  }

  #granted(): true {
    this.#waiting.clear();
    return true;
  }

  #returns(kid: string | undefined, now: number): boolean {
    const mark = digestOf(kid ?? '').slice(0, MARK_LENGTH);
    const first = this.#waiting.get(mark);
    if (first !== undefined) return hasPassed(first, now, RETURN_MS);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size >= MAX_REMEMBERED && oldest !== undefined) this.#waiting.delete(oldest);
    this.#waiting.set(mark, now);
    return false;
  }
}

/** Whether so long has passed since then. A clock that was set back must not stretch a pause. */
export function hasPassed(since: number, now: number, milliseconds: number): boolean {
  return now < since || now - since >= milliseconds;
}
