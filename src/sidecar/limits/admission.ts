// Lets requests on to the server while there is room, and takes the room back when their responses are over.
import type { ServerResponse } from 'node:http';
import { InFlightLimit, type LimitReason, type InFlightLimits } from './in-flight-limit.ts';

/** Only this module can make one: the private member has no run-time value, and a copy with changes does not have it. */
declare class Admitted {
  readonly #admitted: true;
}

/** That a request has its place among those that are with the server. */
export type Admission = Admitted;

type AdmissionResult =
  { readonly ok: true; readonly admission: Admission } | { readonly ok: false; readonly reason: LimitReason };

// The private member has no run-time value.
const ADMITTED: AdmissionResult = { ok: true, admission: {} as Admission };

/** Counts the requests that are with the server. */
export class Admissions {
  readonly #limit: InFlightLimit;

  constructor(limits?: InFlightLimits) {
    this.#limit = new InFlightLimit(limits);
  }

  /** Requests that were admitted and whose response is not over. */
  get underWay(): number {
    return this.#limit.total;
  }

  /** Whether so many are under way that none should come before its turn. */
  get isBusy(): boolean {
    return this.#limit.isBusy;
  }

  /** How many requests there may be from now on; the default if `undefined`. */
  resize(total: number | undefined): void {
    this.#limit.resize(total);
  }

  /**
   * A place is bound to the response and to nothing else: whatever becomes of the request, its end gives it back.
   * @param res a response that is not over: its end would not come again
   * @param owner `Principal.owner` of who asks: places are shared among principals
   * @param onOver called once, when the response of an admitted request is over, well or badly
   */
  admit(res: ServerResponse, owner: string, onOver: () => void): AdmissionResult {
    if (res.destroyed) throw new Error('a response that is over was to be admitted');
    const { socket } = res.req;
    // Node gives a response its connection when its turn comes.
    const isPipelined = res.socket === null;
    const share = this.#limit.enter(socket, owner, isPipelined);
    if (typeof share === 'string') return { ok: false, reason: share };
    let isOver = false;
    // Not `once`, which costs 2 % of the CPU of a request.
    res.on('close', () => {
      if (isOver) return;
      isOver = true;
      this.#limit.leave(socket, share, isPipelined);
      onOver();
    });
    return ADMITTED;
  }
}
