// Counts items per owner and finds the owner with the most in O(1). Knows nothing of what the items are.
import { LinkedList, type ListNode } from '../../base/linked-list.ts';

/** An owner of at least one item. */
export interface Owner<T> {
  readonly name: string;
  /** The oldest first. */
  readonly items: LinkedList<T>;
  /** Its node among the owners with as many items; `undefined` before the first item. */
  node: ListNode<Owner<T>> | undefined;
}

/**
 * Groups owners by how many items they have. An owner gains or loses one item at a time and so moves to the next group:
 * the owner with the most is always at hand, without a search.
 */
export class OwnerCounts<T> {
  readonly #owners = new Map<string, Owner<T>>();
  /** By number of items. None is empty. */
  readonly #groups = new Map<number, LinkedList<Owner<T>>>();
  #largest = 0;

  add(name: string, item: T): { readonly owner: Owner<T>; readonly node: ListNode<T> } {
    const owner = this.#owners.get(name) ?? this.#addOwner(name);
    const node = owner.items.push(item);
    const { size } = owner.items;
    this.#leaveGroup(owner, size - 1);
    owner.node = this.#group(size).push(owner);
    this.#largest = Math.max(this.#largest, size);
    return { owner, node };
  }

  /** @param node of the item in the owner's list */
  remove(owner: Owner<T>, node: ListNode<T>): void {
    const { size } = owner.items;
    owner.items.remove(node);
    this.#leaveGroup(owner, size);
    if (size === 1) this.#owners.delete(owner.name);
    else owner.node = this.#group(size - 1).push(owner);
    // The owner itself is now in the group below, so the next largest count is at most one less.
    if (!this.#groups.has(this.#largest)) this.#largest = size - 1;
  }

  /** Of the owners with the most items, the one that has had so many for longest. */
  get largest(): Owner<T> | undefined {
    return this.#groups.get(this.#largest)?.first?.item;
  }

  #addOwner(name: string): Owner<T> {
    const owner: Owner<T> = { name, items: new LinkedList<T>(), node: undefined };
    this.#owners.set(name, owner);
    return owner;
  }

  #group(size: number): LinkedList<Owner<T>> {
    let group = this.#groups.get(size);
    if (group === undefined) this.#groups.set(size, (group = new LinkedList()));
    return group;
  }

  #leaveGroup(owner: Owner<T>, size: number): void {
    const group = this.#groups.get(size);
    if (group === undefined || owner.node === undefined) return;
    group.remove(owner.node);
    if (group.size === 0) this.#groups.delete(size);
  }
}
