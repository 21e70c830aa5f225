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

/** The fields that are known, with those below them; `true` where whatever is below does no more than its field. */
export interface Known {
  readonly [field: string]: Known | true;
}

export function known(...fields: readonly string[]): Known {
  return Object.fromEntries(fields.map((field) => [field, true]));
}

/**
 * A field that no control knows may do anything, in this version of Kubernetes or in the next.
 * @param value an object, or a list of such objects
 */
export function unknownFields(value: unknown, fields: Known, path: string): Violation[] {
  if (Array.isArray(value)) return value.flatMap((entry) => unknownFields(entry, fields, path));
  return setFields(value).flatMap(([name, member]) => {
    const below = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (below === undefined)
      return [{ path: `${path}.${name}`, message: `unknown field (${name} is in no control)` }];
    return below === true ? [] : unknownFields(member, below, `${path}.${name}`);
  });
}

export function quoted(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join(', ');
}
