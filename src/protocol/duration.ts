// Go durations, the form that Kubernetes users write. Only what the CRD lets through.

const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** `1m30s` -> 90. */
export function durationSeconds(duration: string): number {
  let seconds = 0;
  for (const [, amount, unit] of duration.matchAll(/([0-9.]+)(ms|s|m|h)/g)) {
    seconds += Number(amount) * (SECONDS[unit ?? ''] ?? Number.NaN);
  }
  return seconds;
}
