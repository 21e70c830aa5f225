// What the operator's /readyz says that it does, and `helm test` reads. How it comes to say so is the operator's.

/** The first word of an operator that needs no attention. */
export const OK = 'ok';
/** Of one whose first steps are not done. */
export const STARTING = 'starting';
/** The first words of one that does not know yet who leads. */
export const WAITING = 'waiting for Lease';

/** Whether the operator reconciles, or stands by for another replica of its release. */
export function isGood(standing: string): boolean {
  return standing === OK || standing.startsWith(`${OK}: `);
}

/** Whether it is said for some seconds only, by an operator that has just started. */
export function isStarting(standing: string): boolean {
  return standing === STARTING || standing.startsWith(WAITING);
}
