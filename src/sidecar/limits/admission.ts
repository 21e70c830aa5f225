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
  #underWay = 0;

  constructor(limits?: InFlightLimits) {
    this.#limit = new InFlightLimit(limits);
  }

  /** Requests that were admitted and whose response is not over. */
  get underWay(): number {
    return this.#underWay;
  }

  /**
   * A place is bound to the response and to nothing else: whatever becomes of the request, its end gives it back.
   * @param res a response that is not over: its end would not come again
   * @param onOver called once, when the response of an admitted request is over, well or badly
   */
  admit(res: ServerResponse, onOver: () => void): AdmissionResult {
    if (res.destroyed) throw new Error('a response that is over was to be admitted');
    const { socket } = res.req;
    // Node gives a response its connection when its turn comes.
    const isPipelined = res.socket === null;
    const reason = this.#limit.enter(socket, this.#underWay, isPipelined);
    if (reason !== undefined) return { ok: false, reason };
    this.#underWay++;
    let isOver = false;
    // Not `once`, which costs 2 % of the CPU of a request.
    res.on('close', () => {
      if (isOver) return;
      isOver = true;
      this.#underWay--;
      this.#limit.leave(socket, isPipelined);
      onOver();
    });
    return ADMITTED;
  }
}
