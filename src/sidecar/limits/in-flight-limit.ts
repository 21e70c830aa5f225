// Limits how many requests may be forwarded at once: of all clients, and of one connection.

/** As many as there may be client connections; each may use one connection to the server. */
const MAX_TOTAL = 16_384;
/** A client that pipelines could have any number of requests in flight on one connection. */
const MAX_PER_CONNECTION = 128;

/** Which limit is reached. Stable: a value of the `reason` log field. */
export type LimitReason = 'requests' | 'requests_of_connection';

export interface InFlightLimits {
  readonly total?: number;
  readonly perConnection?: number;
}

/** Counts pipelined requests by connection; the count goes away with the connection. */
export class InFlightLimit {
  readonly #limits: Required<InFlightLimits>;
  /** Requests that arrived before the previous one was answered: few clients send any. */
  readonly #pipelined = new WeakMap<object, number>();

  constructor({ total = MAX_TOTAL, perConnection = MAX_PER_CONNECTION }: InFlightLimits = {}) {
    this.#limits = { total, perConnection };
  }

  /**
   * @param inFlight requests of all connections
   * @param isPipelined whether an earlier request of the connection is not answered yet
   * @returns the limit that is reached, or undefined; then `leave` must follow
   */
  enter(connection: object, inFlight: number, isPipelined: boolean): LimitReason | undefined {
    if (inFlight >= this.#limits.total) return 'requests';
    if (isPipelined) {
      const others = this.#pipelined.get(connection) ?? 0;
      if (others + 1 >= this.#limits.perConnection) return 'requests_of_connection';
      this.#pipelined.set(connection, others + 1);
    }
    return undefined;
  }

  /** @param wasPipelined the `isPipelined` that was passed to `enter` */
  leave(connection: object, wasPipelined: boolean): void {
    if (wasPipelined) this.#pipelined.set(connection, (this.#pipelined.get(connection) ?? 1) - 1);
  }
}
