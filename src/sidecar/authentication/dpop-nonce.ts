// Nonces for DPoP proofs (RFC 9449 section 9), without state: each is computed from the time and a key of this process.
import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';

/** A nonce is sent for this long, and accepted for as long again (milliseconds). */
const PERIOD_MS = 60_000;

/** The key is random: a proof made for another replica, or before a restart, is not accepted. */
export class DpopNonces {
  readonly #clock: Clock;
  readonly #key = randomBytes(32);
  #period = Number.NaN;
  #current = '';
  #previous = '';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The nonce to use from now on, sent with every answer (RFC 9449 section 8.2). */
  get current(): string {
    this.#update();
    return this.#current;
  }

  /** Whether the nonce was sent in this period or the one before. */
  accepts(nonce: unknown): boolean {
    this.#update();
    return nonce === this.#current || nonce === this.#previous;
  }

  #update(): void {
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
