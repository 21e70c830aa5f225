// Who has how many of something that is scarce, and who has the most. Knows nothing of what is shared.
import { Queue, type Place } from './linked-list.ts';

/** Somebody who has at least one. */
export interface Owner<T> {
  readonly name: string;
  /** The oldest first. */
  readonly things: Queue<T>;
  /** Among those who have as many; nowhere before the first. */
  place: Place<Owner<T>> | undefined;
}

/**
 * Owners by how many things they have. One of them gains or loses one thing at a time and so moves to the next group: those
 * who have the most are always at hand, without a search.
 */
export class Shares<T> {
  readonly #owners = new Map<string, Owner<T>>();
  /** None is empty. */
  readonly #groups = new Map<number, Queue<Owner<T>>>();
  #largest = 0;

  add(name: string, thing: T): { readonly owner: Owner<T>; readonly place: Place<T> } {
    const owner = this.#owners.get(name) ?? this.#join(name);
    const place = owner.things.push(thing);
    const { size } = owner.things;
    this.#leaveGroup(owner, size - 1);
    owner.place = this.#group(size).push(owner);
    this.#largest = Math.max(this.#largest, size);
    return { owner, place };
  }

  /** @param place where the owner has it */
  remove(owner: Owner<T>, place: Place<T>): void {
    const { size } = owner.things;
    owner.things.remove(place);
    this.#leaveGroup(owner, size);
    if (size === 1) this.#owners.delete(owner.name);
    else owner.place = this.#group(size - 1).push(owner);
    // Who has just lost one is in the group below, unless nobody has any: there can be no gap.
    if (!this.#groups.has(this.#largest)) this.#largest = size - 1;
  }

  /** Of those who have the most, the one who has had so many for longest. */
  get largest(): Owner<T> | undefined {
    return this.#groups.get(this.#largest)?.first?.item;
  }

  #join(name: string): Owner<T> {
    const owner: Owner<T> = { name, things: new Queue<T>(), place: undefined };
    this.#owners.set(name, owner);
    return owner;
  }

  #group(size: number): Queue<Owner<T>> {
    let group = this.#groups.get(size);
    if (group === undefined) this.#groups.set(size, (group = new Queue()));
    return group;
  }

  #leaveGroup(owner: Owner<T>, size: number): void {
    const group = this.#groups.get(size);
    if (group === undefined || owner.place === undefined) return;
    group.remove(owner.place);
    if (group.size === 0) this.#groups.delete(size);
  }
}
