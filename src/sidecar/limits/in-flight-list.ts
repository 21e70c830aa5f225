// Things under way, such as the requests that are with the server now: an unordered list in which each knows its place.

/** What such a list holds. */
export interface Placed {
  /** Where it stands in the list; the list's to change. */
  place: number;
}

/**
 * Not a `Set`: one that is added to and deleted from all the time is rehashed all the time, and with it almost half of
 * the young generation survived each collection (docs/performance.md).
 */
export class InFlight<T extends Placed> {
  readonly #list: T[] = [];

  get size(): number {
    return this.#list.length;
  }

  add(item: T): void {
    item.place = this.#list.push(item) - 1;
  }

  delete(item: T): void {
    if (this.#list[item.place] !== item) return;
    const last = this.#list.pop();
    if (last === undefined || last === item) return;
    this.#list[item.place] = last;
    last.place = item.place;
  }

  /** A copy: what is done with them may delete them. */
  [Symbol.iterator](): Iterator<T> {
    return [...this.#list].values();
  }
}
