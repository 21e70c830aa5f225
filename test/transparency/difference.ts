// Two runs side by side, check by check: what one found and the other did not. Times and texts do not count.
import type { Check } from './scenarios.ts';

export interface Difference {
  /** Scenario, id and name of the check. */
  readonly check: string;
  /** What was found each time it was made, in order; none where it was not made at all. */
  readonly before: string;
  readonly after: string;
}

export function differences(before: readonly Check[], after: readonly Check[]): Difference[] {
  const [first, second] = [outcomes(before), outcomes(after)];
  return [...new Set([...first.keys(), ...second.keys()])]
    .map((check) => ({ check, before: first.get(check) ?? 'none', after: second.get(check) ?? 'none' }))
    .filter((row) => row.before !== row.after);
}

/** As lines for people. */
export function told(rows: readonly Difference[]): string {
  if (rows.length === 0) return 'none';
  return rows.map(({ check, before, after }) => `\n  ${check}: ${before} -> ${after}`).join('');
}

export function passed(checks: readonly Check[]): number {
  return checks.filter(({ status }) => status === 'SUCCESS').length;
}

function outcomes(checks: readonly Check[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { scenario, id, name, status } of checks) {
    const check = `${scenario}: ${id} (${name})`;
    const earlier = found.get(check);
    found.set(check, earlier === undefined ? status : `${earlier}, ${status}`);
  }
  return found;
}
