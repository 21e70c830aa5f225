// The managed fields of an object, compared with the object that exists. Pure; nothing here knows Keycloak.
import { isDeepStrictEqual } from 'node:util';

/** An object of Keycloak's admin API, as JSON. */
export type Representation = Readonly<Record<string, unknown>>;

/**
 * How much of a field is managed:
 * `equals`: all of it; undefined means that the field must be absent or empty.
 * `contains`: these entries of a list; what others add stays.
 * `lacks`: that the list does not have these entries.
 * `filled`: only that it is not empty; another value stays.
 */
export type Rule = 'equals' | 'contains' | 'lacks' | 'filled';

export interface Owned {
  readonly path: readonly string[];
  readonly rule: Rule;
  readonly value: unknown;
}

export interface FieldChange {
  readonly path: readonly string[];
  readonly from: unknown;
  readonly to: unknown;
}

/** The managed fields that differ; empty when none does. */
export function differences(found: Representation, owned: readonly Owned[]): FieldChange[] {
  return owned.flatMap(({ path, rule, value }) => {
    const from = at(found, path);
    const to = wanted(from, rule, value);
    return same(from, to) ? [] : [{ path, from, to }];
  });
}

/** A copy with the changes made. */
export function withChanges(found: Representation, changes: readonly FieldChange[]): Representation {
  const copy = structuredClone(found) as Record<string, unknown>;
  for (const { path, to } of changes) set(copy, path, to);
  return copy;
}

function wanted(from: unknown, rule: Rule, value: unknown): unknown {
  switch (rule) {
    case 'equals':
      return value;
    case 'contains':
      return [...list(from), ...list(value).filter((entry) => !list(from).includes(entry))];
    case 'lacks':
      return list(from).filter((entry) => !list(value).includes(entry));
    case 'filled':
      return isEmpty(from) ? value : from;
  }
}

function same(from: unknown, to: unknown): boolean {
  return isDeepStrictEqual(from, to) || (isEmpty(from) && isEmpty(to));
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
  );
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function at(object: Representation, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Representation | undefined)?.[key], object);
}

function set(object: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length > 0) {
    const child = (object[key] ??= {}) as Record<string, unknown>; // Our paths lead through objects only.
    set(child, rest, value);
  } else if (value === undefined) delete object[key];
  else object[key] = value;
}
