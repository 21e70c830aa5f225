// Runs the variants of one case, all of them, and fails with the list of those that failed.
import { AssertionError } from 'node:assert';
import { NotApplicable } from '../case.ts';
import { told } from './told.ts';

/** What can be its own name: nothing that could hold a key. */
export type Printable =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly (string | number)[]
  | Readonly<Record<string, never>>;

/**
 * Calls `check` with each variant, one after the other. Variants of a list are named by their value.
 * @throws AssertionError naming every variant whose check failed
 */
export function each<T extends Printable>(variants: readonly T[], check: Check<T>): Promise<void>;
export function each<T>(variants: Readonly<Record<string, T>>, check: Check<T>): Promise<void>;
export async function each<T>(
  variants: Readonly<Record<string, T>> | readonly T[],
  check: Check<T>,
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
      failures.push(`${name}: ${told(error)}`);
    }
  }
  if (failures.length > 0) throw new AssertionError({ message: failures.join('\n') });
}

type Check<T> = (variant: T, name: string) => Promise<void> | void;
