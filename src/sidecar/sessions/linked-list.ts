// A queue that anything can leave from anywhere, at the same cost however long it is. Decides nothing.

/** The place of one item. Whoever may take it out keeps it. */
export interface Place<T> {
  readonly item: T;
  before: Place<T> | undefined;
  after: Place<T> | undefined;
}

/**
 * Linked places. Not a `Set`: to find the first of one walks over the gaps of all that were deleted before it, and what is
 * first added and first deleted all the time leaves nothing but gaps there.
 */
export class Queue<T> {
  #first: Place<T> | undefined;
  #last: Place<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): Place<T> | undefined {
    return this.#first;
  }

  push(item: T): Place<T> {
    const place: Place<T> = { item, before: undefined, after: undefined };
    this.#link(place);
    return place;
  }

  /** @param place of this queue */
  remove(place: Place<T>): void {
    this.#unlink(place);
  }

  /** To the end of the queue. */
  moveBack(place: Place<T>): void {
    this.#unlink(place);
    this.#link(place);
  }

  #link(place: Place<T>): void {
    place.before = this.#last;
    place.after = undefined;
    if (this.#last === undefined) this.#first = place;
    else this.#last.after = place;
    this.#last = place;
    this.#size++;
  }

  #unlink({ before, after }: Place<T>): void {
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    this.#size--;
  }
}
