// Bounds the bytes of incomplete bodies that all requests together keep in memory.

export class ByteBudget {
  readonly #limit: number;
  #taken = 0;

  /** @param limit bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns whether there was room */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.#limit) return false;
    this.#taken += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }
}
