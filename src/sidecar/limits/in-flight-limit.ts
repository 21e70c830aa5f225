// Limits how many requests may be forwarded at once: of all clients, of one principal, and of one connection.
import { FairShares, type Share } from './fair-shares.ts';

/**
 * Each takes a connection to the server, which may have no more than 1,024 files open in many containers: what it opens
 * itself, and the 256 connections that are kept idle, must fit in as well.
 */
const MAX_TOTAL = 640;
/** A client that pipelines could have any number of requests in flight on one connection. */
const MAX_PER_CONNECTION = 128;

/** Which limit is reached. Stable: a value of the `reason` log field. */
export type LimitReason = 'requests' | 'requests_of_principal' | 'requests_of_connection';

export interface InFlightLimits {
  readonly total?: number;
  readonly perConnection?: number;
}

/** Counts requests by principal, and pipelined ones by connection; the latter count goes away with the connection. */
export class InFlightLimit {
  readonly #perConnection: number;
  readonly #shares: FairShares;
  #total: number;
  /** Requests that arrived before the previous one was answered: few clients send any. */
  readonly #pipelined = new WeakMap<object, number>();

  constructor({ total = MAX_TOTAL, perConnection = MAX_PER_CONNECTION }: InFlightLimits = {}) {
    this.#total = total;
    this.#perConnection = perConnection;
    this.#shares = new FairShares(total);
  }

  /** Requests of all connections. */
  get total(): number {
    return this.#shares.total;
  }

  /** Whether a quarter of the places is taken: then pipelined requests leave the others to those whose turn it is. */
  get isBusy(): boolean {
    return this.#shares.total >= this.#total / 4;
  }

  /** How many there may be in all, from now on; the default if `undefined`. */
  resize(total = MAX_TOTAL): void {
    this.#total = total;
    this.#shares.resize(total);
  }

  /**
   * @param owner `Principal.owner`
   * @param isPipelined whether an earlier request of the connection is not answered yet
   * @returns the limit that is reached; or a share, and then `leave` must follow
   */
  enter(connection: object, owner: string, isPipelined: boolean): LimitReason | Share {
    const others = isPipelined ? (this.#pipelined.get(connection) ?? 0) : 0;
    if (isPipelined && others + 1 >= this.#perConnection) return 'requests_of_connection';
    const share = this.#shares.enter(owner);
    if (share === undefined) return this.#shares.total >= this.#total ? 'requests' : 'requests_of_principal';
    if (isPipelined) this.#pipelined.set(connection, others + 1);
    return share;
  }

  /** @param wasPipelined the `isPipelined` that was passed to `enter` */
  leave(connection: object, share: Share, wasPipelined: boolean): void {
    this.#shares.leave(share);
    if (wasPipelined) this.#pipelined.set(connection, (this.#pipelined.get(connection) ?? 1) - 1);
  }
}
