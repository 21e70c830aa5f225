// A doubly linked list: add at the end, remove from anywhere in O(1).

/** Holds one item. The caller keeps the node to remove the item later. */
export interface ListNode<T> {
  readonly item: T;
  before: ListNode<T> | undefined;
  after: ListNode<T> | undefined;
}

/**
 * Not a `Set`: finding its first item walks over the gaps of all deleted ones before it, and where the oldest items are
 * the first to go there are nothing but gaps.
 */
export class LinkedList<T> {
  #first: ListNode<T> | undefined;
  #last: ListNode<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): ListNode<T> | undefined {
    return this.#first;
  }

  push(item: T): ListNode<T> {
    const node: ListNode<T> = { item, before: undefined, after: undefined };
    this.#link(node);
    return node;
  }

  /** @param node of this list */
  remove(node: ListNode<T>): void {
    this.#unlink(node);
  }

  /** Moves a node of this list to its end. */
  moveToEnd(node: ListNode<T>): void {
    this.#unlink(node);
    this.#link(node);
  }

  #link(node: ListNode<T>): void {
    node.before = this.#last;
    node.after = undefined;
    if (this.#last === undefined) this.#first = node;
    else this.#last.after = node;
    this.#last = node;
    this.#size++;
  }

  #unlink({ before, after }: ListNode<T>): void {
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    this.#size--;
  }
}
