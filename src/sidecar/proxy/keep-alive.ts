// How long a connection may have been idle and still be used again: learned from what the server does. Knows no sockets.

/** No connection is kept for longer than this (milliseconds): Node and uvicorn close idle ones after 5 s. */
export const MAX_IDLE_MS = 3_000;
/**
 * A server is taken for one that keeps connections when it has left an idle one open for this long (milliseconds). Those
 * that close after each answer without saying so do it at once, or within a few milliseconds.
 */
export const PROOF_MS = 500;
/** After a request was lost on a used connection, none is used again for this long (milliseconds); then twice as long. */
const FIRST_PENALTY_MS = 10_000;
const MAX_PENALTY_MS = 600_000;
/** A server that lost nothing for this long begins with the first penalty again (milliseconds). */
const FORGIVEN_MS = 3_600_000;

/**
 * A request that is written just as the server closes is lost, and sending it again could be the second time (RFC 9112
 * section 9.3.1). So a connection is used again only while the server is known to leave it open for twice as long.
 */
export class KeepAlive {
  /** The longest time after which an idle connection was seen open. */
  #keptMs = 0;
  #lostAt = -Infinity;
  #penaltyMs = 0;
  #reusableMs = 0;

  /** A connection that has been idle for less than this may be used again (milliseconds); 0: none may. */
  get reusableMs(): number {
    return this.#reusableMs;
  }

  /**
   * A connection is open after having been idle for so long.
   * @param now milliseconds, of the clock that all calls use
   */
  onOpen(idleMs: number, now: number): void {
    if (idleMs <= this.#keptMs || now - this.#lostAt < this.#penaltyMs) return;
    this.#know(idleMs);
  }

  /** The server closed a connection that had been idle for so long. */
  onClosed(idleMs: number): void {
    if (idleMs < this.#keptMs) this.#know(idleMs);
  }

  /** The server closed a used connection on which a request was waiting for its answer. */
  onLost(now: number): void {
    if (this.#reusableMs === 0) return; // one of several that were under way
    const isForgiven = now - this.#lostAt > FORGIVEN_MS;
    this.#penaltyMs = isForgiven ? FIRST_PENALTY_MS : Math.min(2 * this.#penaltyMs, MAX_PENALTY_MS);
    this.#lostAt = now;
    this.#know(0);
  }

  #know(keptMs: number): void {
    this.#keptMs = keptMs;
    if (keptMs < PROOF_MS) this.#reusableMs = 0;
    else this.#reusableMs = keptMs < MAX_IDLE_MS ? keptMs / 2 : MAX_IDLE_MS;
  }
}
