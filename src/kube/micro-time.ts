// The time of day as Kubernetes writes it in Leases and Events. Nothing here reads it back: clocks of machines differ.
import type { Clock } from '../base/clock.ts';

/** `MicroTime` of meta/v1: exactly six digits after the seconds; JavaScript writes three. */
export function microTime(clock: Clock): string {
  return new Date(clock()).toISOString().replace('Z', '000Z');
}
