// A token bucket: a burst, and a rate after it. Refills by the time that its callers pass in, without a timer.

export class TokenBucket {
  readonly #capacity: number;
  readonly #perMs: number;
  #left: number;
  #at: number;

  /** @param now milliseconds, by the same clock as later calls */
  constructor(capacity: number, perMs: number, now: number) {
    this.#capacity = capacity;
    this.#perMs = perMs;
    this.#left = capacity;
    this.#at = now;
  }

  /** Takes one. @returns 0 when there was one, else milliseconds until there will be */
  take(now: number): number {
    const waitMs = this.wait(now);
    if (waitMs === 0) this.#left--;
    return waitMs;
  }

  /** Milliseconds until there is one; 0 when there is. Takes none. */
  wait(now: number): number {
    // A clock that is set back neither adds nor removes tokens.
    this.#left = Math.min(this.#capacity, this.#left + Math.max(0, now - this.#at) * this.#perMs);
    this.#at = now;
    return this.#left < 1 ? (1 - this.#left) / this.#perMs : 0;
  }

  /** Puts one back: the event that took it does not count after all. */
  give(): void {
    this.#left = Math.min(this.#capacity, this.#left + 1);
  }
}
