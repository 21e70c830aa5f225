// Nonces that DPoP proofs must carry (RFC 9449 section 9). Kept nowhere: each follows from the time and a key of this process.
import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';

/** A nonce is given out for this long, and good for as long again (milliseconds). */
const PERIOD_MS = 60_000;

/** The key is this process's own: a proof made for one replica, or before a restart, is good nowhere else. */
export class DpopNonces {
  readonly #clock: Clock;
  readonly #key = randomBytes(32);
  #period = Number.NaN;
  #current = '';
  #previous = '';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The nonce to use from now on: goes out with every answer (RFC 9449 section 8.2). */
  get current(): string {
    this.#turn();
    return this.#current;
  }

  /** Whether a proof with this nonce was made a short while ago. */
  accepts(nonce: unknown): boolean {
    this.#turn();
    return nonce === this.#current || nonce === this.#previous;
  }

  #turn(): void {
    const period = Math.floor(this.#clock() / PERIOD_MS);
    if (period === this.#period) return;
    this.#period = period;
    this.#current = this.#nonce(period);
    this.#previous = this.#nonce(period - 1);
  }

  /** RFC 9449 section 8.1: a nonce must not be predictable. */
  #nonce(period: number): string {
    return createHmac('sha256', this.#key).update(String(period)).digest('base64url');
  }
}
