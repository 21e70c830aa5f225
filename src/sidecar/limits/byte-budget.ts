// Bounds the bytes of bodies that are kept in memory, and shares them: when it is full, the owner with the most loses one.

/** One body that takes bytes of the budget. */
export interface BudgetedBody {
  /** `Principal.owner` of who sends it. */
  readonly owner: string;
  /** Whether it can still be given up. */
  readonly isEvictable: boolean;
  /** Bytes of the budget that it has; only the budget changes it. */
  taken: number;
  /** Gives itself up: it must `give` its bytes back at once. */
  evict(): void;
}

interface Share {
  bytes: number;
  readonly bodies: Set<BudgetedBody>;
}

export class ByteBudget {
  readonly #limit: number;
  readonly #shares = new Map<string, Share>();
  #taken = 0;

  /** @param limit bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes that are taken. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * When there is no room, the owner with the most loses its largest body, and the next, until there is; unless the owner
   * that asks would be the one with the most (docs/adr/0026).
   * @returns whether there was room, or room was made
   */
  take(body: BudgetedBody, bytes: number): boolean {
    const wanted = (this.#shares.get(body.owner)?.bytes ?? 0) + bytes;
    while (this.#taken + bytes > this.#limit) {
      const victim = this.#victim(wanted);
      if (victim === undefined) return false;
      victim.evict();
    }
    const share = this.#shares.get(body.owner) ?? this.#addShare(body.owner);
    share.bodies.add(body);
    share.bytes += bytes;
    body.taken += bytes;
    this.#taken += bytes;
    return true;
  }

  /** Gives back all bytes of a body. Does nothing for one that has none. */
  give(body: BudgetedBody): void {
    const share = this.#shares.get(body.owner);
    if (share === undefined || !share.bodies.delete(body)) return;
    share.bytes -= body.taken;
    this.#taken -= body.taken;
    body.taken = 0;
    if (share.bodies.size === 0) this.#shares.delete(body.owner);
  }

  #addShare(owner: string): Share {
    const share: Share = { bytes: 0, bodies: new Set() };
    this.#shares.set(owner, share);
    return share;
  }

  /** The largest body that can be given up of the owner with the most bytes, if that owner has more than `wanted`. */
  #victim(wanted: number): BudgetedBody | undefined {
    let most: { readonly bytes: number; readonly body: BudgetedBody } | undefined;
    for (const { bytes, bodies } of this.#shares.values()) {
      if (bytes <= wanted || bytes <= (most?.bytes ?? 0)) continue;
      const body = largestEvictable(bodies);
      if (body !== undefined) most = { bytes, body };
    }
    return most?.body;
  }
}

function largestEvictable(bodies: Iterable<BudgetedBody>): BudgetedBody | undefined {
  let largest: BudgetedBody | undefined;
  for (const body of bodies) if (body.isEvictable && body.taken > (largest?.taken ?? 0)) largest = body;
  return largest;
}
