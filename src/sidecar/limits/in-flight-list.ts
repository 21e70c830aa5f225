// An unordered list of what is in flight, such as forwarded requests; each item holds its index, so that removal is O(1).

interface Placed {
  /** Index in the list; only the list changes it. */
  place: number;
}

/**
 * Not a `Set`: constant adding and deleting makes it rehash constantly, and almost half of the young generation survived
 * each garbage collection (docs/performance.md).
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

  /** Iterates over a copy: the loop's body may delete items. */
  [Symbol.iterator](): Iterator<T> {
    return [...this.#list].values();
  }
}
