// Reading JSON of which nothing is known: what is set, and what no control knows. Everything unknown is refused.
import type { JsonObject } from '../../api/object.ts';
import type { Violation } from './level.ts';

/** The members that are set: the API server takes null for absent. */
export function setFields(value: unknown): [name: string, value: unknown][] {
  return isObject(value) ? Object.entries(value).filter(([, member]) => isSet(member)) : [];
}

export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The entries of a list; one that is no list has none. */
export function entries(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

/** A field that no control knows may do anything, in this version of Kubernetes or in the next. */
export function unknownFields(value: unknown, known: readonly string[], path: string): Violation[] {
  return setFields(value)
    .filter(([name]) => !known.includes(name))
    .map(([name]) => ({ path: `${path}.${name}`, message: `unknown field (${name} is in no control)` }));
}

export function quoted(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join(', ');
}
