// Remembers which connections and networks sent bad credentials lately, in bounded memory. Refuses nothing itself.
import type { Clock } from '../../base/clock.ts';
import type { Source } from './source.ts';

/** For this long after its last bad credentials a source counts as an offender (milliseconds). */
const OFFENCE_MS = 60_000;
/** Networks remembered. Beyond that the oldest entry is dropped: an attacker with so many is not told apart anyway. */
const MAX_NETWORKS = 16_384;

export class Offenders {
  readonly #clock: Clock;
  /** When each last offended (milliseconds since the epoch). */
  readonly #connections = new WeakMap<object, number>();
  readonly #networks = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The source has sent credentials that are none. */
  add({ network, connection }: Source): void {
    const now = this.#clock();
    this.#connections.set(connection, now);
    this.#networks.delete(network); // so that it is the newest again
    if (this.#networks.size >= MAX_NETWORKS) this.#dropOldest();
    this.#networks.set(network, now);
  }

  #dropOldest(): void {
    const [oldest] = this.#networks.keys();
    if (oldest !== undefined) this.#networks.delete(oldest);
  }

  hasNetwork({ network }: Source): boolean {
    return this.#isRecent(this.#networks.get(network));
  }

  hasConnection({ connection }: Source): boolean {
    return this.#isRecent(this.#connections.get(connection));
  }

  /** A clock that is set back does not prolong it. */
  #isRecent(at: number | undefined): boolean {
    return at !== undefined && Math.abs(this.#clock() - at) < OFFENCE_MS;
  }
}
