// How long to wait after failures, as pure functions.
import type { Random } from './scheduler.ts';

export interface BackoffLimits {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Doubles with each failure, up to a limit. @param failures 1 for the first */
export function exponential({ baseMs, maxMs }: BackoffLimits, failures: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, 50));
}

/**
 * Anywhere between the base and the exponential value: clients of a server that is back must not reconnect all at the
 * same moment.
 */
export function fullJitter(limits: BackoffLimits, failures: number, random: Random): number {
  const { baseMs, maxMs } = limits;
  return Math.min(maxMs, baseMs + random() * exponential(limits, failures));
}
