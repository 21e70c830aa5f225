// Runs the variants of one case, all of them, and fails with the list of those that were judged wrong.
import { AssertionError } from 'node:assert';
import { NotApplicable } from '../case.ts';

/**
 * Calls `check` with each variant, one after the other. Variants of a list are named by their value.
 * @throws AssertionError naming every variant whose check failed
 */
export async function each<T>(
  variants: Readonly<Record<string, T>> | readonly T[],
  check: (variant: T, name: string) => Promise<void> | void,
): Promise<void> {
  const named: (readonly [string, T])[] = Array.isArray(variants)
    ? (variants as readonly T[]).map((value) => [JSON.stringify(value) ?? 'undefined', value])
    : Object.entries(variants as Readonly<Record<string, T>>);
  const failures: string[] = [];
  for (const [name, variant] of named) {
    try {
      await check(variant, name);
    } catch (error) {
      if (error instanceof NotApplicable) throw error;
      if (!(error instanceof AssertionError)) {
        throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
      }
      failures.push(`${name}: ${error.message}`);
    }
  }
  if (failures.length > 0) throw new AssertionError({ message: failures.join('\n') });
}
