// Shares a number of places among owners, so that one of them never has them all. Ends nothing, and waits for nothing.

/** What one owner has. */
export interface Share {
  readonly owner: string;
  /** Places; only the shares change it. */
  taken: number;
}

/** Owners without a place that are kept beyond the number of places, before they are forgotten together. */
const KEPT_OWNERS = 1_024;

/**
 * An owner gets another place while it has fewer than are free. So the owner with the most is the first to be refused, one
 * alone has half of all at the most, and there is room for others whatever a few do: of `n` owners that take what they can,
 * each gets one part of `n + 1`, and one part stays free (docs/adr/0026). One look-up for each place.
 */
export class FairShares {
  #places: number;
  /** Owners stay for a while after their last place: adding and deleting one with each request costs more. */
  readonly #shares = new Map<string, Share>();
  #total = 0;

  constructor(places: number) {
    this.#places = places;
  }

  /** Places that are taken, of all owners. */
  get total(): number {
    return this.#total;
  }

  /** How many places there are from now on. Those that are taken stay so. */
  resize(places: number): void {
    this.#places = places;
  }

  /** @returns the owner's share, in which there was a place: then `leave` must follow, once */
  enter(owner: string): Share | undefined {
    const share = this.#shares.get(owner) ?? this.#add(owner);
    if (share.taken >= this.#places - this.#total) return undefined;
    share.taken++;
    this.#total++;
    return share;
  }

  /** @param places how many, of those that the share has */
  leave(share: Share, places = 1): void {
    share.taken -= places;
    this.#total -= places;
  }

  #add(owner: string): Share {
    // Owners with a place are never more than there are places.
    if (this.#shares.size >= 2 * this.#places + KEPT_OWNERS) this.#forgetIdle();
    const share: Share = { owner, taken: 0 };
    this.#shares.set(owner, share);
    return share;
  }

  #forgetIdle(): void {
    for (const [owner, { taken }] of this.#shares) if (taken === 0) this.#shares.delete(owner);
  }
}
