// How many requests may be with the server at once: of all clients, and of one connection. Decides nothing else about them.

/** As many as there may be connections of clients; each may take one to the server. */
const MAX_TOTAL = 16_384;
/** A client that does not wait for answers could have any number of requests under way on one connection. */
const MAX_PER_CONNECTION = 128;

/** Which limit is reached. Stable: a value of the `reason` log field. */
export type FullReason = 'requests' | 'requests_of_connection';

export interface InFlightLimits {
  readonly total?: number;
  readonly perConnection?: number;
}

/** Counts what is pipelined, by connection, without keeping any: what is gone is forgotten. */
export class InFlightLimit {
  readonly #limits: Required<InFlightLimits>;
  /** Requests that came before the answer to the one in front of them: hardly any client sends such. */
  readonly #pipelined = new WeakMap<object, number>();

  constructor({ total = MAX_TOTAL, perConnection = MAX_PER_CONNECTION }: InFlightLimits = {}) {
    this.#limits = { total, perConnection };
  }

  /**
   * @param underWay how many requests there are of all connections
   * @param isPipelined whether another request of the connection has no answer yet
   * @returns why there is no room for another, or undefined, and then `leave` must follow
   */
  enter(connection: object, underWay: number, isPipelined: boolean): FullReason | undefined {
    if (underWay >= this.#limits.total) return 'requests';
    if (isPipelined) {
      const others = this.#pipelined.get(connection) ?? 0;
      if (others + 1 >= this.#limits.perConnection) return 'requests_of_connection';
      this.#pipelined.set(connection, others + 1);
    }
    return undefined;
  }

  /** @param wasPipelined what `enter` was told */
  leave(connection: object, wasPipelined: boolean): void {
    if (wasPipelined) this.#pipelined.set(connection, (this.#pipelined.get(connection) ?? 1) - 1);
  }
}
