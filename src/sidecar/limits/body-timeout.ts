// When a request body is too slow to be waited for. Ends nothing itself.

/** A body that brings nothing for this long is given up; so much time has every body (milliseconds). */
const IDLE_MS = 60_000;
/**
 * On the whole a body must not be slower than this: a byte a minute would hold a connection, and what has come of the
 * body, for years (bytes a second; RESOURCE_SERVER G13).
 */
const MIN_RATE = 1_000;

/** How a body has come so far. Times in milliseconds since the epoch. */
export interface BodyPace {
  readonly startedAt: number;
  /** When the last bytes came. */
  readonly lastAt: number;
  /** Bytes. */
  readonly received: number;
}

/** Whether nothing came for too long, or too little altogether. */
export function isBodyTooSlow(now: number, { startedAt, lastAt, received }: BodyPace): boolean {
  return now - lastAt > IDLE_MS || now - startedAt > IDLE_MS + (received / MIN_RATE) * 1000;
}
