// Decides when a request body is too slow. The caller ends the request.

/** A body without new bytes for this long is too slow. Every body may take this long altogether (milliseconds). */
const IDLE_MS = 60_000;
/**
 * The average rate that a longer body must keep: at a byte a minute it would hold a connection, and the bytes received so
 * far, for years (bytes a second; RESOURCE_SERVER G13).
 */
const MIN_RATE = 1_000;

/** How much of a body has arrived, and when. Times in milliseconds since the epoch. */
interface BodyProgress {
  readonly startedAt: number;
  /** When the last bytes arrived. */
  readonly lastAt: number;
  /** Bytes. */
  readonly received: number;
}

/** Whether the body is idle for too long, or too slow on average. */
export function isBodyTooSlow(now: number, { startedAt, lastAt, received }: BodyProgress): boolean {
  return now - lastAt > IDLE_MS || now - startedAt > IDLE_MS + (received / MIN_RATE) * 1000;
}
