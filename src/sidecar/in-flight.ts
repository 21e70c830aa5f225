// The requests that are with the server now: an unordered list in which each knows its place. Owns none of them.
import type { Forwarding } from './proxy.ts';

/**
 * Not a `Set`: one that is added to and deleted from all the time is rehashed all the time, and with it almost half of
 * the young generation survived each collection (docs/performance.md).
 */
export class InFlight {
  readonly #list: Forwarding[] = [];

  get size(): number {
    return this.#list.length;
  }

  add(forwarding: Forwarding): void {
    forwarding.place = this.#list.push(forwarding) - 1;
  }

  delete(forwarding: Forwarding): void {
    if (this.#list[forwarding.place] !== forwarding) return;
    const last = this.#list.pop();
    if (last === undefined || last === forwarding) return;
    this.#list[forwarding.place] = last;
    last.place = forwarding.place;
  }

  /** A copy: what is done with them may delete them. */
  [Symbol.iterator](): Iterator<Forwarding> {
    return [...this.#list].values();
  }
}
